"""Whom a good token names, and which roles it gives them."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest

from quickpoll.auth.caller import Caller
from quickpoll.auth.claims import roles_of, user_id_of
from quickpoll.auth.keys import SharedSecret
from quickpoll.auth.signing import sign_token
from quickpoll.auth.tokens import Tokens
from quickpoll.errors import InvalidToken
from quickpoll.settings import Settings

secret = "a secret for tests only, 32 bytes or more"
user = "65f1c0ffee0000000000c001"
issuer = "https://id.example"


def mapped(text: str, by: str = issuer) -> str:
    """The rule, written down a second time."""
    return hashlib.sha256(by.encode() + b"\0" + text.encode()).hexdigest()[:24]


def test_an_object_id_is_itself_in_either_mode() -> None:
    for any_text in (False, True):
        assert user_id_of(user.upper(), issuer, any_text=any_text) == user


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "9f1c7e0e-6b1f-4d0e-9a51-0c2a4d8f7b11",
        "é",
        "x" * 255,
        user + "0",
    ],
)
def test_another_text_is_mapped_where_any_will_do(text: str) -> None:
    assert user_id_of(text, issuer, any_text=True) == mapped(text)
    with pytest.raises(ValueError, match="no id"):
        user_id_of(text, issuer)


def test_a_known_value() -> None:
    """By ``printf '%s\\0%s' ISSUER TEXT | sha256sum | cut -c1-24``, for those who map ids too."""
    found = user_id_of("9f1c7e0e-6b1f-4d0e-9a51-0c2a4d8f7b11", issuer, any_text=True)
    assert found == "010cb39ffa32e03471ca6cfd"


def test_the_same_text_of_two_issuers_is_two_users() -> None:
    ids = {user_id_of("7", one, any_text=True) for one in ("", issuer, issuer + "/")}
    assert len(ids) == 3


@pytest.mark.parametrize("value", ["", "x" * 256, None, True, 1.5, ["7"], {"id": "7"}])
def test_what_is_no_text_of_that_length_names_nobody(value: object) -> None:
    with pytest.raises(ValueError, match="it is no"):
        user_id_of(value, issuer, any_text=True)


def test_a_number_counts_as_its_digits() -> None:
    assert user_id_of(42, issuer, any_text=True) == user_id_of("42", issuer, any_text=True)
    with pytest.raises(ValueError, match="no text"):
        user_id_of(42, issuer)


roles: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "plain": ({"roles": ["admin", "voter"]}, "roles", ("admin", "voter")),
    "inside": ({"realm_access": {"roles": ["admin"]}}, "realm_access.roles", ("admin",)),
    "deep": ({"a": {"b": {"c": ["admin"]}}}, "a.b.c", ("admin",)),
    "a name with dots": ({"https://p.example/r": ["admin"]}, "https://p.example/r", ("admin",)),
    "dots on the way": ({"of": {"app.id": {"roles": ["admin"]}}}, "of.app.id.roles", ("admin",)),
    "the whole name first": ({"a.b": ["x"], "a": {"b": ["admin"]}}, "a.b", ("x",)),
    "absent": ({}, "roles", ()),
    "absent inside": ({"realm_access": {}}, "realm_access.roles", ()),
    "no object on the way": ({"realm_access": ["roles"]}, "realm_access.roles", ()),
    "a text": ({"roles": "admin"}, "roles", ()),
    "an object": ({"roles": {"admin": True}}, "roles", ()),
    "others than texts": ({"roles": ["admin", 1, None, ["admin"]]}, "roles", ("admin",)),
    "elsewhere": ({"roles": ["admin"]}, "realm_access.roles", ()),
}  # fmt: skip


@pytest.mark.parametrize(("claims", "path", "found"), roles.values(), ids=roles)
def test_roles(claims: dict[str, Any], path: str, found: tuple[str, ...]) -> None:
    assert roles_of(claims, path) == found


def tokens(**options: Any) -> Tokens:
    return Tokens(SharedSecret(secret, ("HS256",)), **options)


def token(**claims: Any) -> str:
    return jwt.encode({"exp": time.time() + 60, **claims}, secret, "HS256")


async def test_both_ways_of_judging_map_alike() -> None:
    ours = tokens(any_user_id=True, roles_claim="a.roles")
    for name in ("ann", "bob"):  # the header is known from the second one on
        whole = int(time.time()) + 60
        signed = token(sub=name, iss=issuer, exp=whole, a={"roles": ["admin"]})
        caller = await ours.verify(signed)
        assert caller == Caller(mapped(name), True, whole, ("admin",))
    assert (await ours.verify(token(sub="ann"))).user_id == mapped("ann", "")


@pytest.mark.parametrize("claims", [{"sub": ""}, {"sub": "x" * 256}, {"sub": "ann", "iss": 7}])
async def test_what_names_nobody_is_refused(claims: dict[str, Any]) -> None:
    signed = jwt.api_jws.encode(
        str({"exp": int(time.time()) + 60, **claims}).replace("'", '"').encode(), secret, "HS256"
    )
    with pytest.raises(InvalidToken, match="name a user"):
        await tokens(any_user_id=True).verify(signed)


@pytest.mark.parametrize("claim", ["roles", "realm_access.roles", "https://polls.example/roles"])
async def test_a_token_of_our_own_names_roles_where_they_are_looked_for(claim: str) -> None:
    url: Any = "mongodb://localhost/polls"
    known: Any = {"jwt_secret_key": secret, "jwt_roles_claim": claim}
    settings = Settings(_env_file=None, api_database_url=url, **known)
    ours = tokens(roles_claim=claim)

    admin = sign_token(settings, user, timedelta(seconds=60), ("admin",))
    nobody = sign_token(settings, user, timedelta(seconds=60))

    assert (await ours.verify(admin or "")).admin
    assert not (await ours.verify(nobody or "")).admin
