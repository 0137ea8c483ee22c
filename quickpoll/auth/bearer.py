"""Where a request has its token."""

from __future__ import annotations

from quickpoll.auth.refusals import note
from quickpoll.errors import MissingToken


def bearer(authorization: str | None) -> str:
    """The token in an ``Authorization`` header (RFC 6750, section 2.1).

    Raises :class:`~quickpoll.errors.MissingToken`.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _missing()
    return token.strip()


def given(token: str | None) -> str:
    """A bare token. Raises :class:`~quickpoll.errors.MissingToken` where there is none."""
    if not token:
        raise _missing()
    return token


def _missing() -> MissingToken:
    error = MissingToken()
    note(error)
    return error
