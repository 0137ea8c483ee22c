"""The keys that tokens are verified with."""

from __future__ import annotations

from typing import Any, Protocol

from quickpoll.errors import InvalidToken


class VerificationKeys(Protocol):
    """Finds the key for a token by its header."""

    async def find(self, header: dict[str, Any]) -> tuple[Any, list[str]]:
        """The key, and the algorithms that may be used with it.

        Raises :class:`~quickpoll.errors.InvalidToken` where there is none.
        """


class SharedSecret:
    """One HMAC secret. Only HMAC algorithms go with it, whatever else is allowed: a public key
    must never serve as a secret (RFC 8725, section 2.1)."""

    def __init__(self, secret: str, algorithms: tuple[str, ...]) -> None:
        self._secret = secret
        self._algorithms = [name for name in algorithms if name.startswith("HS")]

    async def find(self, header: dict[str, Any]) -> tuple[str, list[str]]:
        """The secret, for a token that says it is signed with HMAC."""
        if header.get("alg") not in self._algorithms:
            raise InvalidToken
        return self._secret, self._algorithms
