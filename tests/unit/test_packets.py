"""What a Socket.IO client may send, as facts: the bytes, and whether they are served."""

from __future__ import annotations

from typing import Any

import pytest

from quickpoll.socketio.packets import is_plausible, is_readable, query_of, refusal

# Engine.IO packet, and whether it may come: in a request or on an open WebSocket; while a session
# moves to one.
PACKETS: list[tuple[object, bool, bool]] = [
    ("1", True, False),
    ("3", True, False),
    ("3probe", True, False),
    ("40", True, False),
    ('40{"token":"x"}', True, False),
    ("43[]", True, False),
    ("2probe", False, True),
    ("5", False, True),
    ("2", False, False),
    ("2probes", False, False),
    ("55", False, False),
    ("6", False, False),
    ("0{}", False, False),
    ("4", False, False),
    ("45-[]", False, False),
    ("3" * 17, False, False),
    ("", False, False),
    (b"4", False, False),
    (None, False, False),
]


@pytest.mark.parametrize(("packet", "sent", "moving"), PACKETS)
def test_packets(packet: object, sent: bool, moving: bool) -> None:
    assert is_plausible(packet) is sent
    assert is_plausible(packet, upgrading=True) is moving


BODIES = {
    b"3": True,
    b"3\x1e40": True,
    b"\x1e".join([b"3"] * 128): True,
    b"\x1e".join([b"3"] * 129): False,
    b"2": False,
    b"2probe": False,
    b"5": False,
    b"\x1e".join([b"5"] * 128): False,
    b"40\x1e5": False,
    b"3\x1e": False,
    b"d=40": False,
    b"\xff": False,
    b"": False,
}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:10]))
def test_bodies(body: bytes) -> None:
    assert is_readable(body) is BODIES[body]


# Query, header, whether it is served: as a request, as the handshake of a WebSocket.
REQUESTS: list[tuple[bytes, tuple[bytes, bytes], bool, bool]] = [
    (b"EIO=4&transport=polling", (b"x", b"y"), True, False),
    (b"EIO=4&transport=websocket", (b"x", b"y"), False, True),
    (b"EIO=4&transport=%70olling&sid=x", (b"x", b"y"), True, False),
    (b"EIO=4", (b"x", b"y"), False, False),
    (b"EIO=4&sid=x", (b"x", b"y"), False, False),
    (b"EIO=4&transport=", (b"x", b"y"), False, False),
    (b"EIO=4&transport", (b"x", b"y"), False, False),
    (b"EIO=4&transport=POLLING", (b"x", b"y"), False, False),
    (b"EIO=4&transport=polling&transport=websocket", (b"x", b"y"), False, False),
    (b"EIO=4&transport=polling&transport=polling", (b"x", b"y"), False, False),
    (b"EIO=4&transport=carrier-pigeon", (b"x", b"y"), False, False),
    (b"EIO=4&transport=polling&j=0", (b"x", b"y"), False, False),
    (b"EIO=4&transport=polling&j=", (b"x", b"y"), False, False),
    (b"EIO=4&transport=polling&j", (b"x", b"y"), False, False),
    (b"EIO=4&transport=websocket&j=0", (b"x", b"y"), False, False),
    (b"EIO=4&transport=polling", (b"upgrade", b"WebSocket"), False, False),
    (b"EIO=4&transport=websocket", (b"upgrade", b"WebSocket"), False, True),
    (b"EIO=4&transport=polling", (b"upgrade", b"h2c"), True, False),
    (b"", (b"x", b"y"), False, False),
    (b"\xff", (b"x", b"y"), False, False),
]


@pytest.mark.parametrize(("query", "header", "request_", "handshake"), REQUESTS)
def test_requests(
    query: bytes, header: tuple[bytes, bytes], request_: bool, handshake: bool
) -> None:
    for kind, served in (("http", request_), ("websocket", handshake)):
        scope: dict[str, Any] = {"type": kind, "query_string": query, "headers": [header]}
        assert (refusal(scope, query_of(scope)) is None) is served
