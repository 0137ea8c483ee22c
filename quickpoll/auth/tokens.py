"""Tokens (RFC 7519) that another service issued."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from time import time
from typing import Any

import jwt

from quickpoll.auth.caller import Caller
from quickpoll.auth.claims import roles_of, user_id_of
from quickpoll.auth.compact import parts_of
from quickpoll.auth.guest_tokens import GuestTokens
from quickpoll.auth.keys import Candidate, VerificationKeys
from quickpoll.auth.plain import ClaimRules, PlainTokens
from quickpoll.auth.refusals import Reason, note, reason_of, refused
from quickpoll.errors import ExpiredToken, Unauthenticated

_UNDECODABLE = (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError)

LONGEST_TOKEN = 8192
"""Characters; a longer one is refused unread."""


class Tokens:
    """Verifies tokens, and remembers those that were good until they expire.

    ``guests`` judges those that our own key has signed; ``None`` where there are no guests. The
    memory is bounded: ``remembered`` tokens, the oldest forgotten first.
    """

    def __init__(
        self,
        keys: VerificationKeys,
        *,
        issuer: str | None = None,
        audience: tuple[str, ...] = (),
        user_id_claim: str = "sub",
        any_user_id: bool = False,
        roles_claim: str = "roles",
        leeway: int = 0,
        guests: GuestTokens | None = None,
        remembered: int = 20_000,
        clock: Callable[[], float] = time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._claim = user_id_claim
        self._any_user_id = any_user_id
        self._roles_claim = roles_claim
        self._leeway = leeway
        self._guests = guests
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
        try:
            return self._counted(self.known(token)) or await self._verified(token)
        except Unauthenticated as error:
            note(error)
            raise

    def _counted(self, known: Caller | None) -> Caller | None:
        if known is None:
            self.misses += 1
        else:
            self.hits += 1
        return known

    async def _verified(self, token: str) -> Caller:
        caller = await self._verify(token)
        self._remember(token, caller)
        return caller

    def forget_all(self) -> None:
        """Verify every token anew: a key has been withdrawn."""
        self._known.clear()
        self._plain.forget_all()

    def forget(self, user_ids: Collection[str]) -> None:
        """Verify the tokens of these people anew: nothing of them is kept."""
        for token in [one for one, caller in self._known.items() if caller.user_id in user_ids]:
            del self._known[token]

    async def _verify(self, token: str) -> Caller:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise refused(Reason.MALFORMED)
        claims = self._plain.claims(token, self._clock())
        if claims is None and self._guests is not None:
            guest = self._guests.caller(token)
            if guest is not None:
                return guest
        return self._caller(claims or await self._judged(token))

    async def _judged(self, token: str) -> dict[str, Any]:
        """The claims of a token, where PyJWT accepts it."""
        try:
            header, claims = parts_of(token)
            candidates = await self._keys.find(header)
        except _UNDECODABLE as error:
            raise refused(Reason.MALFORMED) from error
        try:
            judged, key = self._decode_with_any(token, candidates)
        except jwt.ExpiredSignatureError as error:
            raise ExpiredToken from error
        except jwt.ImmatureSignatureError as error:  # its signature is good, so it may be told
            raise refused(Reason.NOT_YET_VALID, _begins(claims.get("nbf"))) from error
        except _UNDECODABLE as error:
            raise refused(reason_of(error, self._claim)) from error
        self._plain.learn(token, header["alg"], key)
        return judged

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
        try:
            expires_at = float(claims["exp"])
        except _UNDECODABLE as error:  # more seconds than a number holds
            raise refused(Reason.BAD_CLAIM) from error
        try:
            named, issuer = claims[self._claim], claims.get("iss", "")
            user_id = user_id_of(named, issuer, any_text=self._any_user_id)
        except _UNDECODABLE as error:
            detail = "The token does not name a user of this service."
            raise refused(Reason.BAD_USER_ID, detail) from error
        roles = roles_of(claims, self._roles_claim)
        return Caller(user_id, "admin" in roles, expires_at, roles)

    def _remember(self, token: str, caller: Caller) -> None:
        self._known[token] = caller
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)


def _begins(start: Any) -> str:
    """When a token that is not valid yet will be."""
    try:
        moment = datetime.fromtimestamp(int(start), UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, TypeError, ArithmeticError, OSError):
        return "The token is not valid yet."
    return f"The token is not valid yet: it begins at {moment}."
