"""Tokens (RFC 7519) that another service issued."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import time
from typing import Any

import jwt

from quickpoll.auth.caller import Caller
from quickpoll.auth.keys import Candidate, VerificationKeys
from quickpoll.auth.plain import ClaimRules, PlainTokens
from quickpoll.errors import ExpiredToken, InvalidToken

_object_id = re.compile("[0-9a-fA-F]{24}")

_undecodable = (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError)

longest_token = 8192
"""Characters; a longer one is refused unread."""


class Tokens:
    """Verifies tokens, and remembers those that were good until they expire.

    The memory is bounded: ``remembered`` tokens, the oldest forgotten first.
    """

    def __init__(
        self,
        keys: VerificationKeys,
        *,
        issuer: str | None = None,
        audience: tuple[str, ...] = (),
        user_id_claim: str = "sub",
        leeway: int = 0,
        remembered: int = 20_000,
        clock: Callable[[], float] = time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._claim = user_id_claim
        self._leeway = leeway
        self._remembered = remembered
        self._clock = clock
        self._known: OrderedDict[str, Caller] = OrderedDict()
        self.hits = self.misses = 0
        self._plain = PlainTokens(ClaimRules(user_id_claim, issuer, audience, leeway))

    def known(self, token: str) -> Caller | None:
        """The caller of a token that was verified before, where it has not expired since.

        Raises :class:`~quickpoll.errors.ExpiredToken`.
        """
        caller = self._known.get(token)
        if caller is not None and self._clock() >= caller.expires_at + self._leeway:
            del self._known[token]
            raise ExpiredToken
        return caller

    async def verify(self, token: str) -> Caller:
        """The caller that the token names.

        Raises :class:`~quickpoll.errors.InvalidToken` or
        :class:`~quickpoll.errors.ExpiredToken`.
        """
        caller = self.known(token)
        if caller is None:
            self.misses += 1
            caller = await self._verify(token)
            self._remember(token, caller)
        else:
            self.hits += 1
        return caller

    def forget_all(self) -> None:
        """Verify every token anew: a key has been withdrawn."""
        self._known.clear()
        self._plain.forget_all()

    async def _verify(self, token: str) -> Caller:
        if len(token) > longest_token or not token.isascii():
            raise InvalidToken
        claims = self._plain.claims(token, self._clock())
        try:
            return self._caller(claims or await self._judged(token))
        except jwt.ExpiredSignatureError as error:
            raise ExpiredToken from error
        except _undecodable as error:
            raise InvalidToken from error

    async def _judged(self, token: str) -> dict[str, Any]:
        """The claims of a token, where PyJWT accepts it."""
        header = jwt.get_unverified_header(token)
        candidates = await self._keys.find(header)
        claims, key = self._decode_with_any(token, candidates)
        self._plain.learn(token, header["alg"], key)
        return claims

    def _decode_with_any(
        self, token: str, candidates: Sequence[Candidate]
    ) -> tuple[dict[str, Any], Any]:
        """The claims, and the one key that has signed them."""
        for candidate in candidates[:-1]:
            with suppress(jwt.InvalidSignatureError):
                return self._decode(token, candidate), candidate.key
        return self._decode(token, candidates[-1]), candidates[-1].key

    def _decode(self, token: str, candidate: Candidate) -> dict[str, Any]:
        return jwt.decode(
            token,
            candidate.key,
            algorithms=candidate.algorithms,
            issuer=self._issuer,
            audience=list(self._audience) or None,
            leeway=self._leeway,
            options={
                "require": ["exp", self._claim],
                "verify_aud": bool(self._audience),
                "verify_iss": self._issuer is not None,
                "verify_sub": self._claim == "sub",
                "verify_iat": False,
            },
        )

    def _caller(self, claims: dict[str, Any]) -> Caller:
        user_id = claims[self._claim]
        if not isinstance(user_id, str) or not _object_id.fullmatch(user_id):
            raise InvalidToken("The token does not name a user of this service.")
        roles = claims.get("roles")
        admin = isinstance(roles, list) and "admin" in roles
        return Caller(user_id.lower(), admin, float(claims["exp"]))

    def _remember(self, token: str, caller: Caller) -> None:
        self._known[token] = caller
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)
