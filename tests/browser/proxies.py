"""What stands between a browser and the service in some networks, and does to WebSockets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

from tests.accepting import stop_accepting
from tests.instances import free_port

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
Treatment: TypeAlias = Callable[["Proxy", bytes, Reader, Writer], Awaitable[None]]

_magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Proxy:
    """Hands every connection on, but those that ask for a WebSocket get their treatment."""

    def __init__(self, port: int, treat: Treatment) -> None:
        self._to = port
        self._treat = treat
        self.treated = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: Reader, writer: Writer) -> None:
        """One connection, to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._hand_on(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        finally:
            writer.close()

    async def _hand_on(self, head: bytes, reader: Reader, writer: Writer) -> None:
        if re.search(rb"^upgrade: *websocket", head, re.I | re.M):
            self.treated += 1
            await self._treat(self, head, reader, writer)
        else:
            await self.join(head, reader, writer)

    async def join(self, head: bytes, reader: Reader, writer: Writer) -> None:
        """Hand everything on, both ways."""
        there, back = await self.dial(head)
        await asyncio.gather(pour(reader, back), pour(there, writer))

    async def dial(self, head: bytes) -> tuple[Reader, Writer]:
        """The service, which has been sent this."""
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        back.write(head)
        return there, back

    async def end(self) -> None:
        """Drop what is still open."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def pour(source: Reader, into: Writer) -> None:
    """Bytes as they come, until no more come; then that way is closed."""
    try:
        with suppress(OSError):
            while block := await source.read(65_536):
                into.write(block)
                await into.drain()
    finally:
        into.close()


async def hang(_: Proxy, head: bytes, reader: Reader, writer: Writer) -> None:
    """The handshake gets no answer."""
    await reader.read()


async def cut(_: Proxy, head: bytes, reader: Reader, writer: Writer) -> None:
    """The handshake succeeds, and that was it."""
    key = re.search(rb"^sec-websocket-key: *(\S+)", head, re.I | re.M)
    assert key is not None
    accept = base64.b64encode(hashlib.sha1(key[1] + _magic.encode()).digest()).decode()  # noqa: S324
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )
    await writer.drain()


async def cut_in_use(proxy: Proxy, head: bytes, reader: Reader, writer: Writer) -> None:
    """The connection is of use for a second."""
    with suppress(TimeoutError):
        await asyncio.wait_for(proxy.join(head, reader, writer), 1)


async def strip(proxy: Proxy, head: bytes, reader: Reader, writer: Writer) -> None:
    """What asks for the upgrade is taken out of the request."""
    await proxy.join(re.sub(rb"(?im)^(upgrade|connection):.*\r\n", b"", head), reader, writer)


async def hold_back(proxy: Proxy, head: bytes, reader: Reader, writer: Writer) -> None:
    """The handshake succeeds; what comes after it is kept in a buffer."""
    there, back = await proxy.dial(head)
    writer.write(await there.readuntil(b"\r\n\r\n"))
    await writer.drain()
    try:
        await reader.read()
    finally:
        back.close()


@asynccontextmanager
async def proxy(to: int, treat: Treatment) -> AsyncIterator[tuple[str, Proxy]]:
    """The address of a proxy to that port of this machine, and the proxy."""
    port, one = free_port(), Proxy(to, treat)
    server = await asyncio.start_server(one.serve, "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{port}", one
    finally:
        await stop_accepting(server)
        await one.end()
        await server.wait_closed()
