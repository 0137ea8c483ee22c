"""What the proxies in front say of a request: who sent it, and by which address.

Each trusted proxy adds the address of whoever called it at the right end of ``X-Forwarded-For``,
so with ``n`` of them the n-th entry from the right is the client; whatever stands further left
was sent by the client and proves nothing. Hypercorn's ``ProxyFixMiddleware`` counts the same
way, but copies the whole scope for each request and takes any text for an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

Headers = Iterable[tuple[bytes, bytes]]

_SECURE = {"http": False, "https": True, "ws": False, "wss": True}
_SCHEMES = {("http", False): "http", ("http", True): "https"} | {
    ("websocket", False): "ws",
    ("websocket", True): "wss",
}
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def trust_proxies(scope: dict[str, Any], hops: int) -> None:
    """Put the client's address, scheme and host, as ``hops`` trusted proxies tell them, into an
    ASGI scope. What they do not tell, or what makes no sense, stays as the connection has it."""
    headers: Headers = scope["headers"]
    client = _address(_from_right(headers, b"x-forwarded-for", hops))
    if client is not None:
        scope["client"] = (client, 0)
    scheme = _nearest(headers, b"x-forwarded-proto", hops).decode("latin-1").lower()
    if scheme in _SECURE:
        scope["scheme"] = _SCHEMES[scope["type"], _SECURE[scheme]]
    host = _nearest(headers, b"x-forwarded-host", hops)
    if _HOST.fullmatch(host):
        kept = [pair for pair in headers if pair[0] != b"host"]
        scope["headers"] = [*kept, (b"host", host)]


def _values(headers: Headers, wanted: bytes) -> list[bytes]:
    lines = [value for name, value in headers if name == wanted]
    return [part.strip() for part in b",".join(lines).split(b",")] if lines else []


def _from_right(headers: Headers, name: bytes, hops: int) -> bytes:
    """The entry that the outermost trusted proxy added, empty where there are fewer entries: then
    the request has not come through all of them."""
    values = _values(headers, name)
    return values[-hops] if len(values) >= hops else b""


def _nearest(headers: Headers, name: bytes, hops: int) -> bytes:
    """As :func:`_from_right`; but most proxies replace such a header and pass on what they were
    told, so of fewer entries the leftmost counts."""
    values = _values(headers, name)
    return values[max(len(values) - hops, 0)] if values else b""


@lru_cache(maxsize=10_000)
def _address(text: bytes) -> str | None:
    """An IP address in its one form. Some proxies add a port: ``192.0.2.1:47``, ``[::1]:47``."""
    said = text.decode("latin-1")
    if said.startswith("["):
        said = said[1:].partition("]")[0]
    elif said.count(":") == 1:
        said = said.partition(":")[0]
    try:
        address = ip_address(said)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
