"""A Socket.IO client over one raw WebSocket: cheap enough for thousands in one process.

Engine.IO 4 and Socket.IO 5 are spoken by hand. A message that goes to many is read once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Callable
from typing import Any

_text, _close, _ping, _pong = 1, 8, 9, 10
most_read = 4096
"""Messages whose reading is remembered."""


class Reader:
    """Reads events; the same bytes that came to another screen are not read again."""

    def __init__(self) -> None:
        self._read: dict[bytes, tuple[str, dict[str, Any]]] = {}

    def event(self, packet: bytes) -> tuple[str, dict[str, Any]]:
        """The name and the payload."""
        found = self._read.get(packet)
        if found is None:
            if len(self._read) >= most_read:
                self._read.clear()
            name, payload = json.loads(packet[2:])
            found = self._read[packet] = name, payload
        return found


class Line(asyncio.Protocol):
    """One connection. ``hear`` gets each event; ``lost`` is done when the connection is."""

    def __init__(
        self, port: int, token: str, reader: Reader, hear: Callable[[str, dict[str, Any]], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.joined: asyncio.Future[None] = loop.create_future()
        self.refused: Any = None
        self._port, self._token, self._reader, self._hear = port, token, reader, hear
        self._buffer = b""
        self._upgraded = False
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._transport: Any = None

    async def open(self) -> None:
        """Connect and join. Raises :class:`OSError` where that does not work within 5 s."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            await loop.create_connection(lambda: self, "127.0.0.1", self._port)
            await asyncio.shield(self.joined)

    async def ask(self, event: str, payload: Any) -> Any:
        """Send an event and wait for its acknowledgement, 5 s at most. Raises :class:`OSError`."""
        self._number += 1
        number, answer = self._number, asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._send(f"42{number}{json.dumps([event, payload])}".encode())
        if self.lost.done():
            raise ConnectionError
        async with asyncio.timeout(5):
            return await answer

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    # -- what asyncio calls ------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Ask for the upgrade."""
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            "GET /ws/updates/?EIO=4&transport=websocket HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{self._port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits for something waits in vain."""
        for waiting in (self.joined, *self._asked.values()):
            if not waiting.done():
                waiting.set_exception(ConnectionError())
                waiting.exception()  # perhaps nobody waits for it any more
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Cut into frames."""
        buffer = self._buffer + data if self._buffer else data
        if not self._upgraded:
            head, gap, rest = buffer.partition(b"\r\n\r\n")
            if not gap:
                self._buffer = buffer
                return
            if b" 101 " not in head[:20]:
                self._transport.abort()
                return
            self._upgraded, buffer = True, rest
        self._buffer = self._frames(buffer)

    def _frames(self, buffer: bytes) -> bytes:
        position, end = 0, len(buffer)
        while end - position >= 2:
            size, start = buffer[position + 1] & 127, position + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                size, start = int.from_bytes(buffer[start : start + width], "big"), start + width
            if end - start < size:
                break
            self._frame(buffer[position] & 15, buffer[start : start + size])
            position = start + size
        return buffer[position:]

    def _frame(self, opcode: int, packet: bytes) -> None:
        if opcode == _ping:
            self._transport.write(_framed(packet, _pong))
        elif opcode == _close:
            self._transport.abort()
        elif packet == b"2":
            self._send(b"3")
        elif packet[:1] == b"0":
            self._send(b"40" + json.dumps({"token": self._token}).encode())
        elif packet[:2] == b"40":
            self.joined.set_result(None)
        elif packet[:3] == b"42[":
            self._hear(*self._reader.event(packet))
        elif packet[:2] == b"43":
            number, _, answer = packet[2:].partition(b"[")
            self._answered(int(number), json.loads(b"[" + answer)[0])
        else:
            self.refused = packet.decode()
            self._transport.abort()

    def _answered(self, number: int, answer: Any) -> None:
        waiting = self._asked.pop(number)
        if not waiting.done():  # it may be too late
            waiting.set_result(answer)

    def _send(self, packet: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_framed(packet, _text))


def _framed(payload: bytes, opcode: int) -> bytes:
    """A client's frame; masked with zeros, which is a mask like any other."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    else:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload
