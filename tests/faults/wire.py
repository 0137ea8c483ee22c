"""A wire that can be cut or go silent, between an instance and a store."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Wire:
    """Forwards a port of its own to another one on this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._whole = True
        self.port = 0

    async def start(self) -> None:
        """Listen."""
        self._flowing.set()
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break all connections, and every new one at once."""
        self._whole = False
        for writer in self._open:
            writer.transport.abort()

    def silence(self) -> None:
        """Keep the connections, and carry nothing."""
        self._flowing.clear()

    def mend(self) -> None:
        """Carry everything again, what was held up first."""
        self._whole = True
        self._flowing.set()

    async def aclose(self) -> None:
        """Stop listening and forwarding."""
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if not self._whole:
            back.transport.abort()
            return
        try:
            far, forth = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            back.transport.abort()
            return
        for reader, writer in ((near, forth), (far, back)):
            task = asyncio.create_task(self._carry(reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        self._open.discard(writer)
        writer.close()
