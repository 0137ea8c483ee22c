"""What a token must hold, and that nothing a stranger sends does worse than be refused."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from quickpoll.auth.keys import KeyRing, SharedSecret
from quickpoll.auth.tokens import Tokens
from quickpoll.errors import ExpiredToken, InvalidToken, Unauthenticated
from quickpoll.settings import Settings

secret = "a secret for tests only, 32 bytes or more"
user = "65f1c0ffee0000000000c001"


def tokens(**options: Any) -> Tokens:
    return Tokens(KeyRing(SharedSecret(secret, ("HS256",)), None), **options)


def token(**claims: Any) -> str:
    known = {"sub": user, "exp": time.time() + 60, **claims}
    return jwt.encode({k: v for k, v in known.items() if v is not None}, secret, "HS256")


async def test_an_audience_is_checked_only_where_one_is_configured() -> None:
    addressed = token(aud="somebody else")

    assert (await tokens().verify(addressed)).user_id == user
    with pytest.raises(InvalidToken):
        await tokens(audience=("quickpoll",)).verify(addressed)
    with pytest.raises(InvalidToken):
        await tokens(audience=("quickpoll",)).verify(token())


async def test_one_of_several_audiences_is_enough() -> None:
    ours = tokens(audience=("quickpoll", "polls"))

    assert (await ours.verify(token(aud=["other", "polls"]))).user_id == user


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": "soon"},
        {"exp": [1]},
        {"nbf": time.time() + 100_000},
        {"sub": None},
        {"sub": 7},
        {"sub": user + "0"},
        {"sub": user[:-1] + "g"},
        {"sub": user + "\n"},
        {"sub": [user]},
    ],
)
async def test_a_token_without_what_is_needed_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        await tokens().verify(token(**claims))


async def test_roles_are_a_list() -> None:
    ours = tokens()

    assert (await ours.verify(token(roles=["voter", "admin"]))).admin
    for roles in ("admin", {"admin": True}, ["administrator"], None, 7):
        assert not (await ours.verify(token(roles=roles))).admin


async def test_another_claim_may_name_the_user() -> None:
    ours = tokens(user_id_claim="uid")

    assert (await ours.verify(token(sub="auth0|7", uid=user.upper()))).user_id == user


async def test_a_remembered_token_expires_with_its_leeway() -> None:
    now = time.time()
    clock = [now]
    ours = tokens(leeway=5, clock=lambda: clock[0])
    mine = token(exp=now + 60)
    await ours.verify(mine)

    clock[0] = now + 64
    assert ours.known(mine) is not None
    clock[0] = now + 66
    with pytest.raises(ExpiredToken):
        ours.known(mine)


async def test_the_memory_is_bounded_and_can_be_emptied() -> None:
    ours = tokens(remembered=2)
    first, second, third = (token(jti=name) for name in "abc")
    for one in (first, second, third):
        await ours.verify(one)

    assert ours.known(first) is None
    assert ours.known(third) is not None
    ours.forget_all()
    assert ours.known(third) is None


def coded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
headers = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "zip"]),
    json_values | st.sampled_from(["HS256", "none", "RS256", ["b64"]]),
)


@given(st.text(max_size=300))
async def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        await tokens().verify(text)


@given(headers, json_values, st.text("AQgw_-=", max_size=60))
async def test_any_header_and_claims_are_refused(header: Any, claims: Any, signature: str) -> None:
    with pytest.raises(Unauthenticated):
        await tokens().verify(f"{coded(header)}.{coded(claims)}.{signature}")


@given(st.dictionaries(st.sampled_from(["sub", "exp", "nbf", "iat", "iss", "jti"]), json_values))
async def test_any_claims_that_are_signed_make_a_caller_or_are_refused(claims: Any) -> None:
    signed = jwt.PyJWS().encode(json.dumps(claims).encode(), secret, "HS256")
    try:
        caller = await tokens().verify(signed)
    except Unauthenticated:
        return
    assert caller.user_id == claims["sub"].lower()


def settings(**variables: Any) -> Settings:
    url: Any = "mongodb://localhost/polls"
    return Settings(_env_file=None, api_database_url=url, **variables)


def test_algorithms_follow_the_keys_where_none_are_named() -> None:
    url = "https://id.example/jwks.json"

    assert settings(jwt_secret_key=secret).algorithms == ("HS256",)
    assert set(settings(jwt_jwks_url=url).algorithms) == {"HS256", "RS256", "ES256", "EdDSA"}
    named = settings(jwt_jwks_url=url, jwt_algorithms="PS256, HS256", jwt_secret_key=secret)
    assert named.algorithms == ("PS256", "HS256")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "JWT_SECRET_KEY: it is missing"),
        ({"jwt_secret_key": secret, "jwt_algorithms": "RS256"}, "RS256 needs JWT_JWKS_URL"),
        (
            {"jwt_jwks_url": "https://id.example/", "jwt_algorithms": "HS256"},
            "HS256 needs JWT_SECRET_KEY",
        ),
        ({"jwt_jwks_url": "https://ann:secret@id.example/"}, "credentials"),
        ({"jwt_jwks_url": "file:///etc/jwks.json"}, "not a web address"),
    ],
)
def test_settings_that_could_accept_no_token_or_leak_a_secret_are_refused(
    variables: Any, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**variables)
