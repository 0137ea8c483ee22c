"""The guard: nobody passes without a token."""

from __future__ import annotations

from quickpoll.auth.caller import Caller
from quickpoll.auth.refusals import note
from quickpoll.auth.tokens import Tokens
from quickpoll.errors import MissingToken


class Guard:
    """Turns an ``Authorization`` header into a caller."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def authenticate(self, authorization: str | None) -> Caller:
        """The caller of a request.

        Raises :class:`~quickpoll.errors.Unauthenticated`.
        """
        return await self._tokens.verify(bearer(authorization))

    async def admit(self, token: str | None) -> Caller:
        """The caller of a bare token. Raises :class:`~quickpoll.errors.Unauthenticated`."""
        if not token:
            raise _missing()
        return await self._tokens.verify(token)


def bearer(authorization: str | None) -> str:
    """The token in an ``Authorization`` header (RFC 6750, section 2.1).

    Raises :class:`~quickpoll.errors.MissingToken`.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _missing()
    return token.strip()


def _missing() -> MissingToken:
    error = MissingToken()
    note(error)
    return error
