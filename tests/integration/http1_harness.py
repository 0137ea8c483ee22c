"""A real Hypercorn in a thread, an ASGI application with every habit, and a raw client."""

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import hypercorn.asyncio
import uvloop
from hypercorn.config import Config

from quickpoll.foundation import http1

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}

GET = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"


@dataclass
class Running:
    """A server under test: where it listens, and what its application saw."""

    port: int
    seen: list[dict[str, Any]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    stop: Callable[[], None] = lambda: None
    loop: asyncio.AbstractEventLoop | None = None

    def connect(self, timeout: float = 5.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def talk(self, data: bytes, timeout: float = 5.0) -> bytes:
        """Send ``data``, read until the server closes."""
        with self.connect(timeout) as client:
            client.sendall(data)
            return read_all(client)

    def block(self, seconds: float) -> None:
        """Hold up the event loop, from now on."""
        blocked = threading.Event()

        def sleep() -> None:
            blocked.set()
            time.sleep(seconds)

        assert self.loop is not None
        self.loop.call_soon_threadsafe(sleep)
        assert blocked.wait(5)


def read_all(client: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def read_until(client: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        part = client.recv(1)
        assert part, f"closed after {data!r}"
        data += part
    return data


def read_answer(client: socket.socket) -> bytes:
    """One response with a Content-Length."""
    head = read_until(client, b"\r\n\r\n")
    left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = b""
    while len(body) < left:
        body += client.recv(left - len(body))
    return head + body


def wait_for(condition: Callable[[], bool], timeout: float = 5.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


async def until(event: threading.Event) -> None:
    """Wait for what another thread sets."""
    while not event.is_set():  # noqa: ASYNC110 (an asyncio.Event belongs to one thread)
        await asyncio.sleep(0.005)


class App:
    """Answers by path; see the methods."""

    def __init__(self, running: Running) -> None:
        self.running = running

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    self.running.events.append("shutdown")
                    return
        if scope["type"] == "websocket":
            return await self.websocket(scope, receive, send)
        self.running.seen.append({k: v for k, v in scope.items() if k not in ("client", "server")})
        name = scope["path"].strip("/").replace("-", "_") or "echo"
        await getattr(self, name, self.echo)(scope, receive, send)

    async def websocket(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": "got " + message["text"]})
        self.running.events.append("websocket closed")

    async def body(self, receive: Any) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.running.events.append("disconnected")
                return bytes(body)
            body += message["body"]
            if not message["more_body"]:
                return bytes(body)

    async def answer(self, send: Any, status: int, body: bytes, *headers: Any) -> None:
        headers = (*headers, (b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def echo(self, scope: Any, receive: Any, send: Any) -> None:
        body = await self.body(receive)
        text = f"{scope['method']} {scope['path']} {scope['query_string']!r} {len(body)}"
        await self.answer(send, 200, text.encode() + b" " + body[:200], (b"x-Case", b" kept "))

    async def chunks(self, scope: Any, receive: Any, send: Any) -> None:
        await self.body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        for part in (b"one", b"", b"two"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def asks_for_chunks(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"Transfer-Encoding", b"chunked"), (b"x", b"y"), (b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"four"})

    async def early(self, scope: Any, receive: Any, send: Any) -> None:
        await self.answer(send, 413, b"too large")

    async def no_content(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b"never sent"})

    async def not_modified(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", b'"x"')]})
        await send({"type": "http.response.body", "body": b""})

    async def close(self, scope: Any, receive: Any, send: Any) -> None:
        await self.answer(send, 200, b"bye", (b"connection", b"close"))

    async def raises(self, scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("on purpose")

    async def raises_late(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"10")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise LookupError("on purpose")

    async def silent(self, scope: Any, receive: Any, send: Any) -> None:
        return

    async def injects(self, scope: Any, receive: Any, send: Any) -> None:
        await self.answer(send, 200, b"", (b"x", b"a\r\nset-cookie: evil=1"))

    async def too_long(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"12345"})

    async def big(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"%d" % (64 << 20))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(64):
            await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
            self.running.events.append(f"part {number}")
        await send({"type": "http.response.body", "body": b""})

    async def large(self, scope: Any, receive: Any, send: Any) -> None:
        await self.answer(send, 200, bytes(16 << 20))
        while (await receive())["type"] != "http.disconnect":
            pass
        self.running.events.append("ended")

    async def slow_reader(self, scope: Any, receive: Any, send: Any) -> None:
        self.running.events.append("waiting")
        await self.released()
        await self.echo(scope, receive, send)

    async def held(self, scope: Any, receive: Any, send: Any) -> None:
        self.running.events.append("held")
        await self.released()
        await self.answer(send, 200, b"released")

    async def blocks(self, scope: Any, receive: Any, send: Any) -> None:
        """Hold up the whole event loop, as a busy machine does."""
        self.running.events.append("blocked")
        self.running.release.wait(5)
        await self.answer(send, 200, b"unblocked")

    async def until_gone(self, scope: Any, receive: Any, send: Any) -> None:
        self.running.events.append("held")
        while (await receive())["type"] != "http.disconnect":
            pass
        self.running.events.append("disconnected")

    async def forever(self, scope: Any, receive: Any, send: Any) -> None:
        self.running.events.append("held")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.running.events.append("cancelled")
            raise

    async def after(self, scope: Any, receive: Any, send: Any) -> None:
        await self.answer(send, 200, b"answered")
        self.running.events.append((await receive())["type"])

    async def released(self) -> None:
        await until(self.running.release)


@contextlib.contextmanager
def serving(
    *, fast: bool, loop: str = "uvloop", app: Any = None, **settings: Any
) -> Iterator[Running]:
    """Run Hypercorn in a thread, with our HTTP/1.1 (``fast``) or its own; ``App`` unless told."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    defaults = {"include_date_header": False, "graceful_timeout": 2.0, "errorlog": None}
    config = Config.from_mapping(defaults | {"bind": [f"127.0.0.1:{port}"]} | settings)
    running = Running(port)
    ready, stopping = threading.Event(), threading.Event()

    async def until_stopped() -> None:
        ready.set()
        await until(stopping)

    def serve() -> None:
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            running.loop = runner.get_loop()
            runner.run(
                hypercorn.asyncio.serve(app or App(running), config, shutdown_trigger=until_stopped)
            )

    thread = threading.Thread(target=serve)
    running.stop = stopping.set
    if fast:
        assert http1.install()
    try:
        thread.start()
        assert ready.wait(5)
        yield running
    finally:
        running.release.set()
        stopping.set()
        thread.join(10)
        http1.uninstall()
        logging.getLogger("hypercorn.error").handlers.clear()
    assert not thread.is_alive()
