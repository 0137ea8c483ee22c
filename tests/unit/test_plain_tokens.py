"""The cheap look at tokens says of none anything but what PyJWT says."""

from __future__ import annotations

import base64
import hmac
import json
from time import time
from typing import Any

import jwt
import pytest

from quickpoll.auth.caller import Caller
from quickpoll.auth.keys import SharedSecret
from quickpoll.auth.tokens import Tokens
from quickpoll.errors import InvalidToken, Unauthenticated

secret = "a secret for these tests only, as long as its strongest algorithm asks for"
user = "65f1c0ffee0000000000c001"
ahead = int(time()) + 86_400
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
    "other claims": {"name": "Ann \N{SNOWMAN}", "realm_access": {"roles": ["admin"]}},
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


def _coded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _signed(payload: str, header: str | None = None) -> str:
    """Signed as its parts are written, whatever they are."""
    signing = f"{header or sign(good).partition('.')[0]}.{payload}"
    made = hmac.digest(secret.encode(), signing.encode(), "sha256")
    return f"{signing}.{_coded(made)}"


_text = json.dumps(good)
_written = _coded(_text.encode())
_header = '{"alg": "HS256", "typ": "JWT"}'


def _with_name(name: str) -> str:
    return json.dumps({**good, "name": name}, ensure_ascii=False)


def _padded(left_over: int) -> bytes:
    """The claims with so many bytes beyond a multiple of three."""
    return _text.encode() + b" " * ((left_over - len(_text)) % 3)


def _other_alphabet(part: str) -> str:
    assert "_" in part
    return part.replace("_", "/").replace("-", "+")


def _with_a_spare_bit(part: str) -> str:
    """The same bytes, by a reader that does not look at what is left over of the last letter."""
    return part[:-1] + _alphabet[_alphabet.index(part[-1]) + 1]


_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

not_as_written: dict[str, str] = {
    "claims in UTF-16": _signed(_coded(_text.encode("utf-16"))),
    "claims in UTF-16 without a mark": _signed(_coded(_text.encode("utf-16-le"))),
    "claims in UTF-32": _signed(_coded(_text.encode("utf-32"))),
    "claims after a byte order mark": _signed(_coded(b"\xef\xbb\xbf" + _text.encode())),
    "claims in Latin-1": _signed(_coded(_with_name("\xe9").encode("latin-1"))),
    "junk inside": _signed(f"{_written[:9]}!*{_written[9:]}"),
    "junk at the end": _signed(f"{_written}~"),
    "a line break": _signed(f"{_written[:9]}\n{_written[9:]}"),
    "padding": _signed(base64.urlsafe_b64encode(_padded(1)).decode()),
    "bits to spare": _signed(_with_a_spare_bit(_coded(_padded(2)))),
    "the other alphabet": _signed(_other_alphabet(_coded(_with_name("???>>>").encode()))),
    "a header in UTF-16": _signed(_written, _coded(_header.encode("utf-16"))),
    "junk in the header": _signed(_written, _coded(_header.encode()) + "!"),
    "junk in the signature": _signed(_written) + "!",
    "bits to spare in the signature": _with_a_spare_bit(_signed(_written)),
}  # fmt: skip


@pytest.mark.parametrize("token", not_as_written.values(), ids=not_as_written.keys())
async def test_there_is_one_way_to_write_a_token(token: str) -> None:
    assert isinstance(await verdict(await experienced(), _signed(_written)), Caller)

    answer = await verdict(await experienced(), token)

    assert answer == ("invalid_token", InvalidToken.default_detail)
    assert answer == await verdict(tokens(), token)


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
