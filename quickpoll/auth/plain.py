"""Tokens that are plainly good, found out cheaply.

PyJWT reads a token twice and prepares the key each time, which costs more than all the rest of a
vote. Here a signature is checked once and the claims are read once. Nothing is refused here: what
is not plainly good is for PyJWT to judge, and a header counts only after PyJWT has accepted one
exactly like it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import orjson

from quickpoll.auth.compact import decoded

_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}

MOST_HEADERS = 16
"""An issuer has one or two; whoever could make more would have the secret."""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What the claims of a token must be, beside an ``exp`` ahead: the one that names the user,
    issuer, audience. ``leeway`` in seconds."""

    user_id_claim: str
    issuer: str | None = None
    audience: tuple[str, ...] = ()
    leeway: int = 0

    def plainly_kept(self, claims: dict[str, Any], now: float) -> bool:
        """Whether they are, beyond doubt (RFC 7519, section 4.1)."""
        expiry, start = claims.get("exp"), claims.get("nbf", 0)
        return (
            type(expiry) is int
            and now < expiry + self.leeway
            and type(start) is int
            and start <= now + self.leeway
            and (self.issuer is None or claims.get("iss") == self.issuer)
            and (not self.audience or self._is_for_us(claims.get("aud")))
            and isinstance(claims.get("jti", ""), str)
            and isinstance(claims.get(self.user_id_claim), str)
        )

    def _is_for_us(self, audience: object) -> bool:
        return isinstance(audience, str) and audience in self.audience


class PlainTokens:
    """Recognises tokens signed with a secret, by headers that have been accepted before."""

    def __init__(self, rules: ClaimRules) -> None:
        self._rules = rules
        self._headers: dict[str, tuple[bytes, str]] = {}

    def learn(self, token: str, algorithm: str, key: object) -> None:
        """Remember the header of a token that PyJWT has accepted, signed by ``key``."""
        digest = _DIGESTS.get(algorithm)
        if digest and isinstance(key, str) and len(self._headers) < MOST_HEADERS:
            self._headers[token.partition(".")[0]] = key.encode(), digest

    def forget_all(self) -> None:
        """Leave every token to PyJWT again."""
        self._headers.clear()

    def claims(self, token: str, now: float) -> dict[str, Any] | None:
        """The claims of an ASCII token that is plainly good, else ``None``."""
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        if header not in self._headers:
            return None
        secret, digest = self._headers[header]
        made = hmac.digest(secret, signed.encode(), digest)
        if not hmac.compare_digest(urlsafe_b64encode(made).rstrip(b"="), signature.encode()):
            return None
        try:
            claims = orjson.loads(decoded(payload))
        except ValueError:
            return None
        plain = isinstance(claims, dict) and self._rules.plainly_kept(claims, now)
        return claims if plain else None
