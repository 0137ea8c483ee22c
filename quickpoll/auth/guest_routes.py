"""The routes that guests may use at all. Whatever is not in this table refuses them, new routes
first of all; those that are in it ask :mod:`.doors` about the very poll or session."""

from __future__ import annotations

from collections.abc import Mapping

from quickpoll.auth.caller import Caller
from quickpoll.errors import GuestsNotAllowed

PREFIX = "/api/"

GUESTS_MAY: Mapping[str, tuple[str, ...]] = {
    "poll/get-poll-by-id": ("GET",),
    "poll/vote-on-poll": ("POST",),
    "poll/ballot": ("GET", "PUT", "DELETE"),
    "poll/receipt": ("GET",),
    "poll/like-poll": ("POST", "PUT", "DELETE"),
    "poll/poll-timeline": ("GET",),
    "poll/poll-history": ("GET",),
    "session/get-session": ("GET",),
    "user/me": ("GET",),
    "user/export-user": ("GET",),
    "user/erase-user": ("POST",),
    "user/erasure": ("GET",),
}
"""The methods by the first two parts of the path below :data:`PREFIX`. ``HEAD`` is as ``GET``."""


def check_route(caller: Caller, method: str, path: str) -> None:
    """Raises :class:`~quickpoll.errors.GuestsNotAllowed` where a guest asks what guests may not."""
    if caller.guest and not is_for_guests(method, path):
        raise GuestsNotAllowed


def is_for_guests(method: str, path: str) -> bool:
    """Whether guests may send this method to this path, if what it is about admits them."""
    name = "/".join(path.removeprefix(PREFIX).split("/")[:2])
    return ("GET" if method == "HEAD" else method) in GUESTS_MAY.get(name, ())
