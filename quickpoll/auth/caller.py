"""Whoever makes a request, as their token says."""

from __future__ import annotations

from typing import NamedTuple


class Caller(NamedTuple):
    """``user_id`` in lower-case hexadecimal; ``expires_at`` in seconds since 1970; ``roles`` as the
    token names them, and ``admin`` whether that is one of them. ``guest``: the token is one of our
    own, whatever the roles of others say."""

    user_id: str
    admin: bool = False
    expires_at: float = float("inf")
    roles: tuple[str, ...] = ()
    guest: bool = False
