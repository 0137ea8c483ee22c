"""What clients may send: requests and packets that Socket.IO clients make, and no others.

Pure judgement. The libraries take more, and answer some of it never, or with a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

SEPARATOR = "\x1e"
MOST_PACKETS = 128
"""In one request of a long-polling client; a page that follows polls one by one sends many."""

LONGEST_CONTROL = 16
"""Characters of a packet that is no message."""

_CLOSE, _PONG, _MESSAGE = "1", "3", "4"
_MESSAGES = "01234"  # connect, disconnect, event, acknowledgement, connect error: nothing binary
_UPGRADING = frozenset(("2probe", "5"))


def is_plausible(packet: object, *, upgrading: bool = False) -> bool:
    """Whether a client of this service may have sent this Engine.IO packet.

    While its session moves from long-polling to a WebSocket, a client sends two packets there that
    it sends nowhere else: in a request they would never be answered, and once it has moved, each
    would be answered by one more packet.
    """
    if not isinstance(packet, str) or not packet:
        return False
    if upgrading:
        return packet in _UPGRADING
    if packet[0] == _MESSAGE:
        return packet[1:2] != "" and packet[1] in _MESSAGES
    return packet[0] in (_CLOSE, _PONG) and len(packet) <= LONGEST_CONTROL


def is_readable(body: bytes) -> bool:
    """Whether this is the body of a long-polling client's request."""
    try:
        packets = body.decode().split(SEPARATOR)
    except UnicodeDecodeError:
        return False
    return len(packets) <= MOST_PACKETS and all(map(is_plausible, packets))


def query_of(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    """The parameters of a request, empty ones included."""
    return parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def session_of(query: Mapping[str, list[str]]) -> str | None:
    """The session that a request is about; ``None`` for one that begins."""
    return query["sid"][0] if "sid" in query else None


def refusal(scope: Mapping[str, Any], query: Mapping[str, list[str]]) -> str | None:
    """Why no client of this service makes this request; ``None`` for one that may be served."""
    transport = "websocket" if scope["type"] == "websocket" else "polling"
    if query.get("transport") != [transport]:
        return f"Say once which transport this is: transport={transport}."
    if "j" in query:
        return "JSONP is not spoken here."
    if scope["type"] == "http" and (b"upgrade", b"websocket") in _lower(scope["headers"]):
        return "This is no handshake of a WebSocket."
    return None


def _lower(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value.strip().lower()) for name, value in headers]
