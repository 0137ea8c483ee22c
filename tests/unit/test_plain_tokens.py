"""The cheap look at tokens says of none anything but what PyJWT says."""

from __future__ import annotations

import base64
import json
from time import time
from typing import Any

import jwt
import pytest

from quickpoll.auth.caller import Caller
from quickpoll.auth.keys import SharedSecret
from quickpoll.auth.tokens import Tokens
from quickpoll.errors import Unauthenticated

secret = "a secret for these tests only, as long as its strongest algorithm asks for"
user = "65f1c0ffee0000000000c001"
ahead = int(time()) + 3600
good: dict[str, Any] = {"sub": user, "exp": ahead, "iss": "https://id.example", "aud": "quickpoll"}


def tokens() -> Tokens:
    return Tokens(
        SharedSecret(secret, ("HS256", "HS512")),
        issuer="https://id.example",
        audience=("quickpoll", "other"),
        leeway=5,
    )


def sign(claims: dict[str, Any], algorithm: str = "HS256", key: str = secret) -> str:
    return jwt.encode(claims, key, algorithm)


async def verdict(judge: Tokens, token: str) -> Caller | tuple[str, str]:
    try:
        return await judge.verify(token)
    except Unauthenticated as error:
        return error.code, error.detail


async def experienced() -> Tokens:
    """Has accepted tokens with the headers that are used here."""
    judge = tokens()
    for algorithm in ("HS256", "HS512"):
        assert isinstance(await verdict(judge, sign(good, algorithm)), Caller)
    return judge


changes: dict[str, dict[str, Any]] = {
    "good": {},
    "admin": {"roles": ["admin"]},
    "roles of another kind": {"roles": "admin"},
    "upper case": {"sub": user.upper()},
    "no user": {"sub": None},
    "user no text": {"sub": 5},
    "user no id": {"sub": "me"},
    "expired": {"exp": int(time()) - 10},
    "expired within the leeway": {"exp": int(time()) - 3},
    "no expiry": {"exp": None},
    "expiry in text": {"exp": str(ahead)},
    "expiry with a fraction": {"exp": ahead + 0.5},
    "expiry true": {"exp": True},
    "expiry immense": {"exp": 10**30},
    "not yet": {"nbf": ahead},
    "from now on": {"nbf": int(time()) - 1},
    "from nonsense on": {"nbf": "x"},
    "other issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "other audience": {"aud": "elsewhere"},
    "several audiences": {"aud": ["elsewhere", "other"]},
    "no audience": {"aud": None},
    "id no text": {"jti": 5},
    "issued ahead": {"iat": ahead},
}


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
@pytest.mark.parametrize("change", changes.values(), ids=changes.keys())
async def test_claims(change: dict[str, Any], algorithm: str) -> None:
    claims = {name: value for name, value in {**good, **change}.items() if value is not None}
    token = _unchecked(claims, algorithm)

    assert await verdict(await experienced(), token) == await verdict(tokens(), token)


def _unchecked(claims: dict[str, Any], algorithm: str) -> str:
    """Signed as it stands; ``jwt.encode`` refuses some claims."""
    return jwt.api_jws.encode(json.dumps(claims).encode(), secret, algorithm)


def _tampered(token: str) -> str:
    head, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = json.dumps({**claims, "roles": ["admin"]}).encode()
    return ".".join((head, base64.urlsafe_b64encode(other).rstrip(b"=").decode(), signature))


forged = {
    "another key": sign(good, key="k" * 64),
    "another key, longer": sign(good, "HS512", key="k" * 64),
    "tampered with": _tampered(sign(good)),
    "no signature": sign(good).rpartition(".")[0] + ".",
    "signature cut": sign(good)[:-1],
    "signature of another length": sign(good).rpartition(".")[0] + "." + "A" * 86,
    "head of another": sign(good, "HS512").partition(".")[0] + "." + sign(good).partition(".")[2],
    "three dots": sign(good) + ".x",
    "no dots": "x",
    "no claims": jwt.api_jws.encode(b"[1]", secret, "HS256"),
    "no json": jwt.api_jws.encode(b"{", secret, "HS256"),
    "not allowed": sign(good, "HS384"),
}


@pytest.mark.parametrize("token", forged.values(), ids=forged.keys())
async def test_what_is_forged_is_refused(token: str) -> None:
    answer = await verdict(await experienced(), token)

    assert not isinstance(answer, Caller)
    assert answer == await verdict(tokens(), token)


async def test_a_header_counts_once_it_was_accepted() -> None:
    judge = await experienced()
    strange = jwt.encode(good, secret, "HS256", headers={"kid": "x", "crit": ["exp"]})

    assert await verdict(judge, strange) == await verdict(tokens(), strange)
    assert await verdict(judge, strange) != Caller(user, False, ahead)
