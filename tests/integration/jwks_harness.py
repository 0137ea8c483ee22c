"""Tokens by the keys that an issuer publishes, and a token that no library makes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from quickpoll.auth.issuer import Issuer
from quickpoll.auth.keys import KeyRing, SharedSecret
from quickpoll.auth.tokens import Tokens
from quickpoll.errors import InvalidToken
from quickpoll.foundation.http.download import download
from tests.conftest import secret
from tests.issuers import Publisher, private_key, user

every = ("HS256", "RS256", "RS384", "PS256", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class Clock:
    """A clock that goes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def tokens_of(
    publisher: Publisher, clock: Clock | None = None, fetch: Any = download
) -> AsyncIterator[Tokens]:
    """The judge of tokens, beside an issuer and the tests' own secret."""
    issuer = Issuer(publisher.url, every, clock=clock or Clock(), fetch=fetch)
    tokens = Tokens(KeyRing(SharedSecret(secret, every), issuer))
    issuer.on_loss(tokens.forget_all)
    issuer.start()
    try:
        yield tokens
    finally:
        await issuer.aclose()


async def accepted(tokens: Tokens, token: str) -> bool:
    """Whether a token is one of the user's."""
    try:
        return (await tokens.verify(token)).user_id == user
    except InvalidToken:
        return False


def pem(algorithm: str) -> bytes:
    """The public key of an algorithm, as text."""
    public = private_key(algorithm).public_key()
    return bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def hmac_with(key: bytes, **header: Any) -> str:
    """What no library makes: an HMAC token whose secret is the text of a public key."""
    import base64
    import hashlib
    import hmac
    import json

    def coded(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    told = {"alg": "HS256", "kid": "first", **header}
    claims = {"sub": user, "exp": time.time() + 60}
    said = b".".join(coded(json.dumps(part).encode()) for part in (told, claims))
    return (said + b"." + coded(hmac.digest(key, said, hashlib.sha256))).decode()
