"""The keys that tokens are verified with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from quickpoll.auth.refusals import Reason, refused


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key, and the algorithms that may be used with it: never more than its kind allows."""

    key: Any
    algorithms: list[str]


class VerificationKeys(Protocol):
    """Finds the keys for a token by its header."""

    async def find(self, header: dict[str, Any]) -> Sequence[Candidate]:
        """The keys to try, at least one.

        Raises :class:`~quickpoll.errors.InvalidToken` where there is none, and
        :class:`~quickpoll.errors.Unavailable` where that cannot be told.
        """


class SharedSecret:
    """One HMAC secret. Only HMAC algorithms go with it, whatever else is allowed: a public key
    must never serve as a secret (RFC 8725, section 2.1)."""

    def __init__(self, secret: str, algorithms: tuple[str, ...]) -> None:
        self._algorithms = [name for name in algorithms if name.startswith("HS")]
        self._candidates = [Candidate(secret, self._algorithms)]

    async def find(self, header: dict[str, Any]) -> Sequence[Candidate]:
        """The secret, for a token that says it is signed with HMAC."""
        if header.get("alg") not in self._algorithms:
            raise refused(Reason.WRONG_ALGORITHM)
        return self._candidates


class KeyRing:
    """A shared secret, an issuer's public keys, or both. The kind of the algorithm says which of
    the two is asked, so neither is ever used as the other."""

    def __init__(self, secret: VerificationKeys | None, issuer: VerificationKeys | None) -> None:
        self._secret = secret
        self._issuer = issuer

    async def find(self, header: dict[str, Any]) -> Sequence[Candidate]:
        """The keys for a token with this header."""
        keys = self._secret if str(header.get("alg")).startswith("HS") else self._issuer
        if keys is None:
            raise refused(Reason.WRONG_ALGORITHM)
        return await keys.find(header)
