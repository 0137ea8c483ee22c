"""The caller of the request in hand."""

from __future__ import annotations

from quart import g

from quickpoll.auth.caller import Caller


def current_caller() -> Caller:
    """Whoever the guard let in."""
    caller: Caller = g.caller
    return caller


def admit(caller: Caller) -> None:
    """Remember whom the guard let in."""
    g.caller = caller
