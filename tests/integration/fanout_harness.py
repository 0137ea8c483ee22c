"""A Socket.IO application under a real Hypercorn, and clients that show every frame."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import socketio

from quickpoll.socketio.fanout import FanOutManager
from tests.integration.http1_harness import Running, read_until, serving

PATH = "/ws/updates"
TICKS = 300


class Toy:
    """A Socket.IO application: a room of everybody, an echo, and ticks to whoever connects."""

    def __init__(self, manager: FanOutManager | None, **settings: Any) -> None:
        self.sio = socketio.AsyncServer(async_mode="asgi", client_manager=manager, **settings)
        self.app = socketio.ASGIApp(self.sio, socketio_path=PATH)
        self.manager = self.sio.manager
        self.sids: list[str] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.sio.on("connect", self.connect)
        self.sio.on("echo", self.echo)
        self.sio.on("ticks", self.ticks)

    async def connect(self, sid: str, environ: Any, auth: Any) -> None:
        """Let a client into the room of everybody."""
        self.loop = asyncio.get_running_loop()
        self.sids.append(sid)
        await self.sio.enter_room(sid, "all")
        if auth == "ticks":
            self.sio.start_background_task(self.ticks, sid, TICKS, 0.001)

    async def echo(self, sid: str, data: Any) -> Any:
        """Acknowledge an event with what came."""
        return data

    async def ticks(self, sid: str, count: int, gap: float) -> None:
        """Numbered events, every other one by each of the two ways to send."""
        while not self.manager.is_connected(sid, "/"):  # noqa: ASYNC110 (as the service does)
            await asyncio.sleep(0)
        for number in range(count):
            if number % 2 and isinstance(self.manager, FanOutManager):
                self.manager.send("tick", {"n": number}, sids=[sid])
            else:
                await self.sio.emit("tick", {"n": number}, to=sid)
            await asyncio.sleep(gap)

    def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call ``function`` in the server's thread."""

        async def call() -> Any:
            result = function(*args, **kwargs)
            return await result if asyncio.iscoroutine(result) else result

        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(10)


@contextlib.contextmanager
def toy(
    manager: FanOutManager | None, *, fast_http: bool = True, loop: str = "uvloop", **settings: Any
) -> Iterator[tuple[Toy, Running]]:
    """The application and the server that it runs on."""
    application = Toy(manager, **settings)
    with serving(fast=fast_http, loop=loop, app=application.app, graceful_timeout=0.2) as running:
        yield application, running


class RawClient:
    """A WebSocket client that shows every frame as it came."""

    def __init__(self, running: Running, extensions: bytes = b"") -> None:
        self.socket = running.connect()
        key = base64.b64encode(os.urandom(16))
        self.socket.sendall(
            b"GET %s/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n"
            % (PATH.encode(), key, extensions)
        )
        self.handshake = read_until(self.socket, b"\r\n\r\n")
        assert self.handshake.startswith(b"HTTP/1.1 101 ")
        self.frame()  # OPEN
        self.send("40")
        self.sid = json.loads(self.text()[2:])["sid"]

    def send(self, text: str) -> None:
        """Send a short text in one masked frame."""
        assert len(text) < 126
        mask = b"\0\0\0\0"
        self.socket.sendall(bytes((0x81, 0x80 | len(text))) + mask + text.encode())

    def frame(self) -> bytes:
        """The next frame, its head included."""
        head = self.exactly(2)
        length = head[1]
        if length == 126:
            head += self.exactly(2)
            length = int.from_bytes(head[2:], "big")
        return head + self.exactly(length)

    def text(self) -> str:
        """What the next frame says."""
        frame = self.frame()
        return frame[4 if frame[1] == 126 else 2 :].decode()

    def exactly(self, count: int) -> bytes:
        """So many bytes."""
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            assert part, "closed"
            data += part
        return data

    def close(self) -> None:
        """Hang up without a word."""
        self.socket.close()


def poll(running: Running, sid: str, body: bytes | None = None) -> str:
    """One request of long polling: what is waiting, or what is sent."""
    url = f"http://127.0.0.1:{running.port}{PATH}/?EIO=4&transport=polling&sid={sid}"
    with urllib.request.urlopen(url, data=body, timeout=5) as response:
        text: str = response.read().decode()
        return text


def open_polling(running: Running) -> str:
    """The Engine.IO id of a long-polling client that has connected."""
    url = f"http://127.0.0.1:{running.port}{PATH}/?EIO=4&transport=polling"
    with urllib.request.urlopen(url, timeout=5) as response:
        sid: str = json.loads(response.read()[1:])["sid"]
    poll(running, sid, b"40")
    assert poll(running, sid).startswith("40")
    return sid
