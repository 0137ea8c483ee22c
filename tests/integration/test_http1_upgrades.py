"""What goes from HTTP/1.1 to another protocol, what does not, and how a WebSocket ends."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Iterator

import pytest

from tests.integration.http1_harness import (
    GET,
    LAST,
    Running,
    read_all,
    read_answer,
    read_until,
    serving,
    wait_for,
)

UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = b"Sec-WebSocket-Key: %s\r\n" % base64.b64encode(os.urandom(16))
VERSION = b"Sec-WebSocket-Version: 13\r\n"
HANDSHAKE = b"GET /ws HTTP/1.1\r\nHost: a\r\n" + UPGRADE + KEY + VERSION + b"\r\n"


@pytest.fixture(params=["asyncio", "uvloop"])
def ours(request: pytest.FixtureRequest) -> Iterator[Running]:
    with serving(fast=True, loop=request.param) as running:
        yield running


def upgraded(running: Running) -> socket.socket:
    client = running.connect()
    client.sendall(HANDSHAKE)
    assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    return client


def test_websocket_goes_to_hypercorn(ours: Running) -> None:
    with ours.connect() as client:
        client.sendall(GET % b"/first")
        read_answer(client)
        client.sendall(HANDSHAKE)
        assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        client.sendall(masked(b"\x81\x82", b"hi"))
        assert read_until(client, b"got hi").startswith(b"\x81\x06")
    wait_for(lambda: "websocket closed" in ours.events)


def test_http2_with_prior_knowledge_goes_to_hypercorn(ours: Running) -> None:
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    with ours.connect() as client:
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings)
        assert client.recv(9)[3] == 4  # a SETTINGS frame


H2C = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"

# What asks for another protocol than WebSocket, and how it is answered: in HTTP/1.1.
DECLINED = {
    "h2c": (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n" + H2C, 200),
    "h2c, other case": (b"GET / HTTP/1.1\r\nHost: a\r\nUPGRADE: H2C\r\n" + H2C, 200),
    "h2c by POST": (b"POST / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n" + H2C, 200),
    "h2c in a new method": (b"BREW / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n" + H2C, 200),
    "h2c and websocket": (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c, websocket\r\n" + H2C, 200),
    "both, one a line": (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n" + H2C + UPGRADE, 200),
    "h2": (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2\r\n" + H2C, 200),
    "TLS": (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: TLS/1.2\r\nConnection: Upgrade\r\n", 200),
    "websocket by POST": (b"POST / HTTP/1.1\r\nHost: a\r\n" + UPGRADE + KEY + VERSION, 200),
    "tunnel": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n", 501),
    "preface with a field": (b"PRI * HTTP/2.0\r\nHost: a\r\nUpgrade: h2c\r\n" + H2C, 400),
}


@pytest.mark.parametrize("name", DECLINED)
def test_other_protocols_are_declined(ours: Running, name: str) -> None:
    head, status = DECLINED[name]
    answers = ours.talk(head + b"\r\n" + LAST % b"/next")
    assert answers.startswith(b"HTTP/1.1 %d " % status)
    assert (b"GET /next" in answers) is (status == 200)  # and the connection serves on


def test_no_h2c_behind_a_handshake_that_was_refused(ours: Running) -> None:
    """Hypercorn's own parser, which reads on there, would take it."""
    refused = b"GET /ws HTTP/1.1\r\nHost: a\r\n" + UPGRADE + KEY + b"\r\n"
    h2c, _ = DECLINED["h2c"]
    answers = ours.talk(refused + h2c + b"\r\n")
    assert answers.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"101" not in answers


@pytest.mark.parametrize("missing", [KEY, VERSION], ids=["key", "version"])
def test_a_handshake_that_is_refused_ends_the_connection(ours: Running, missing: bytes) -> None:
    assert ours.talk(HANDSHAKE.replace(missing, b"")).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def masked(head: bytes, payload: bytes) -> bytes:
    return head + bytes(4) + payload  # a mask of zeros is one, too


# Frames that break the protocol (RFC 6455, 5, 7.4 and 8.1), and the code of the Close frame.
BROKEN = {
    "RSV1": (masked(b"\xc1\x82", b"hi"), 1002),
    "RSV2": (masked(b"\xa1\x82", b"hi"), 1002),
    "RSV3": (masked(b"\x91\x82", b"hi"), 1002),
    "RSV in a ping": (masked(b"\xc9\x80", b""), 1002),
    "reserved opcode 3": (masked(b"\x83\x80", b""), 1002),
    "reserved opcode 7": (masked(b"\x87\x80", b""), 1002),
    "reserved opcode 11": (masked(b"\x8b\x80", b""), 1002),
    "reserved opcode 15": (masked(b"\x8f\x80", b""), 1002),
    "not masked": (b"\x81\x02hi", 1002),
    "a ping in fragments": (masked(b"\x09\x80", b""), 1002),
    "a ping of 126 bytes": (masked(b"\x89\xfe\x00\x7e", bytes(126)), 1002),
    "a continuation of nothing": (masked(b"\x80\x82", b"hi"), 1002),
    "text within a message": (masked(b"\x01\x82", b"hi") + masked(b"\x81\x82", b"hi"), 1002),
    "a close of one byte": (masked(b"\x88\x81", b"\x03"), 1002),
    "close code 0": (masked(b"\x88\x82", b"\x00\x00"), 1002),
    "close code 999": (masked(b"\x88\x82", b"\x03\xe7"), 1002),
    "close code 1004": (masked(b"\x88\x82", b"\x03\xec"), 1002),
    "close code 1005": (masked(b"\x88\x82", b"\x03\xed"), 1002),
    "close code 1006": (masked(b"\x88\x82", b"\x03\xee"), 1002),
    "close code 1015": (masked(b"\x88\x82", b"\x03\xf7"), 1002),
    "close code 1016": (masked(b"\x88\x82", b"\x03\xf8"), 1002),
    "close code 2999": (masked(b"\x88\x82", b"\x0b\xb7"), 1002),
    "close code 5000": (masked(b"\x88\x82", b"\x13\x88"), 1002),
    "text not UTF-8": (masked(b"\x81\x82", b"\xc3\x28"), 1007),
    "text of a surrogate": (masked(b"\x81\x83", b"\xed\xa0\x80"), 1007),
    "text that ends early": (masked(b"\x81\x81", b"\xc3"), 1007),
    "reason not UTF-8": (masked(b"\x88\x84", b"\x03\xe8\xc3\x28"), 1007),
    "a length in more bytes than it needs": (
        masked(b"\x81\xff" + (2).to_bytes(8, "big"), b"hi"), 1002),
    "too long": (masked(b"\x81\xfe\x07\xd0", b"x" * 2_000), 1009),
    "too long in fragments": (
        masked(b"\x01\xfe\x03\xe8", b"x" * 1_000) + masked(b"\x80\xfe\x03\xe8", b"x" * 1_000),
        1009),
    "a goodbye": (masked(b"\x88\x82", b"\x03\xe8"), 1000),
    "a goodbye with a code of one's own": (masked(b"\x88\x82", b"\x0f\xa0"), 4000),
}  # fmt: skip


@pytest.fixture(scope="module")
def strict() -> Iterator[Running]:
    with serving(fast=True, websocket_max_message_size=1_500) as running:
        yield running


@pytest.mark.parametrize("name", BROKEN)
def test_a_websocket_that_breaks_the_protocol_is_told_so(strict: Running, name: str) -> None:
    frames, code = BROKEN[name]
    with upgraded(strict) as client:
        client.sendall(frames)
        head = client.recv(2)
        assert head[0] == 0x88  # a Close frame, and it comes first
        payload = client.recv(head[1])
        assert int.from_bytes(payload[:2], "big") == code
        payload[2:].decode()
        client.sendall(masked(b"\x88\x82", b"\x03\xe8"))
        assert read_all(client) == b""


def test_a_ping_within_a_message_is_none_of_these(strict: Running) -> None:
    with upgraded(strict) as client:
        client.sendall(
            masked(b"\x01\x81", b"h") + masked(b"\x89\x81", b"?") + masked(b"\x80\x81", b"i")
        )
        assert read_until(client, b"got hi") == b"\x8a\x01?\x81\x06got hi"
