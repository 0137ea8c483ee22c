"""Guests' tokens (RFC 7519): made here and verified here, by a key that signs nothing else.

A second issuer beside the users' one. Which of the two a token is judged by is decided by its
signature: no other key makes guests, and this one makes nobody else. What is set for the users'
issuer (its name, its claims, its algorithms) has no say here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from time import time
from typing import Any, NamedTuple

import jwt

from quickpoll.auth.caller import Caller
from quickpoll.auth.compact import parts_of
from quickpoll.auth.refusals import Reason, refused
from quickpoll.errors import ExpiredToken

ISSUER = "quickpoll"
"""Issuer and audience: such a token is worth something here and nowhere else."""

ALGORITHM = "HS256"
ROLES = ("guest",)

LIFE_SECONDS = 12 * 3600
RENEWAL_SECONDS = 30 * 24 * 3600
"""How long after its end a token can still be changed for a fresh one of the same person."""

_OBJECT_ID = re.compile("[0-9a-fA-F]{24}", re.ASCII)
_REQUIRED = ["iss", "aud", "sub", "exp", "roles"]


class GuestToken(NamedTuple):
    """A token with what it says; ``expires_at`` in seconds since 1970."""

    token: str
    user_id: str
    expires_at: int


class GuestTokens:
    """Makes guests' tokens and verifies them. ``leeway`` in seconds; ``clock`` answers the seconds
    since 1970."""

    def __init__(self, key: str, *, leeway: int = 0, clock: Callable[[], float] = time) -> None:
        self._key = key
        self._leeway = leeway
        self._clock = clock

    def make(self, user_id: str) -> GuestToken:
        """A fresh token for this guest."""
        now = int(self._clock())
        claims = {"iss": ISSUER, "aud": ISSUER, "sub": user_id, "roles": list(ROLES), "iat": now}
        expires_at = now + LIFE_SECONDS
        token = jwt.encode({**claims, "exp": expires_at}, self._key, ALGORITHM)
        return GuestToken(token, user_id, expires_at)

    def caller(self, token: str) -> Caller | None:
        """The guest whose token this is; ``None`` where our key has not signed it.

        Raises :class:`~quickpoll.errors.InvalidToken` where it has, and it is no guest's all the
        same, and :class:`~quickpoll.errors.ExpiredToken`.
        """
        caller = self._read(token)
        if caller is not None and self._clock() >= caller.expires_at + self._leeway:
            raise ExpiredToken("The token has expired; POST /guest gives you a fresh one.")
        return caller

    def holder(self, token: str) -> str:
        """The guest's id in a token that is good, or was until not long ago.

        Raises :class:`~quickpoll.errors.InvalidToken` and
        :class:`~quickpoll.errors.ExpiredToken`.
        """
        caller = self._read(token)
        if caller is None:
            raise refused(Reason.WRONG_SIGNATURE, "This is no guest's token of this service.")
        if self._clock() >= caller.expires_at + RENEWAL_SECONDS:
            raise ExpiredToken("The token expired too long ago; join anew, without it.")
        return caller.user_id

    def _read(self, token: str) -> Caller | None:
        """The guest whose token this is, or was; ``None`` where our key has not signed it."""
        if not _claims_to_be_ours(token):
            return None
        try:
            claims = self._decode(token)
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
            return None
        except jwt.PyJWTError as error:
            raise refused(Reason.BAD_CLAIM) from error
        return _caller(claims)

    def _decode(self, token: str) -> dict[str, Any]:
        return jwt.decode(
            token,
            self._key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=ISSUER,
            leeway=self._leeway,
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False},
        )


def _claims_to_be_ours(token: str) -> bool:
    """Cheap, and nothing is believed yet: most tokens are others', whom it spares a signature."""
    try:
        header, claims = parts_of(token)
    except (ValueError, RecursionError):
        return False
    return claims.get("iss") == ISSUER and header.get("alg") == ALGORITHM


def _caller(claims: dict[str, Any]) -> Caller:
    if claims["roles"] != list(ROLES):
        raise refused(Reason.BAD_CLAIM)
    if not _OBJECT_ID.fullmatch(claims["sub"]):
        raise refused(Reason.BAD_USER_ID)
    return Caller(claims["sub"].lower(), False, _seconds(claims["exp"]), ROLES, guest=True)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(Reason.BAD_CLAIM)
    try:
        return float(value)
    except OverflowError as error:  # more seconds than a number holds
        raise refused(Reason.BAD_CLAIM) from error
