"""What the fast path reads of a request: as much as its routes need, and no more."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[1-9][0-9]{0,4})?")


@dataclass(slots=True)
class Asked:
    """One request: the ids in its path, in either case, and its header fields."""

    scope: Scope
    ids: list[str]
    fields: dict[bytes, bytes]

    def field(self, name: bytes) -> str | None:
        """A header field, the first where there are several."""
        value = self.fields.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def client(self) -> str:
        """The address that it came from."""
        client = self.scope.get("client")
        return client[0] if client else "<local>"

    @property
    def origin(self) -> bytes | None:
        """The origin of the page that sent it, if a page did."""
        return self.fields.get(b"origin")

    @property
    def address(self) -> str:
        """The address that was asked for, without the query."""
        host = self.fields[b"host"].decode("ascii")
        return f"{self.scope['scheme']}://{host}{self.scope['path']}"


def ordinary(scope: Scope, ids: list[str]) -> Asked | None:
    """The request, where there is nothing unusual about it; ``None`` leaves it to the framework.

    Unusual are bodies (no route of the fast path reads one), a prefix in front of the path, and
    hosts or origins that would have to be looked at more closely.
    """
    # Of repeated fields the first counts: reversed, because the last one stays in the dict.
    fields: dict[bytes, bytes] = dict(reversed(scope["headers"]))
    if scope.get("root_path") or fields.get(b"content-length", b"0") != b"0":
        return None
    if b"transfer-encoding" in fields or not _plain(fields):
        return None
    return Asked(scope, ids, fields)


def _plain(fields: dict[bytes, bytes]) -> bool:
    origin, host = fields.get(b"origin"), fields.get(b"host")
    if origin is not None and (not origin.isascii() or b"*" in origin):
        return False
    return host is not None and _is_plain(host)


@lru_cache(maxsize=256)
def _is_plain(host: bytes) -> bool:
    name = host.decode("latin-1")
    # Werkzeug leaves out a port that goes without saying.
    return not name.endswith((":80", ":443")) and _PLAIN_HOST.fullmatch(name) is not None
