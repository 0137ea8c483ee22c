"""A wire between an instance and a store: it can be cut, stalled one way or both, and slow.

Invariants: bytes are never lost on a wire that is stalled, nor is their order changed: what was
sent into it arrives when it is mended, even when its sender has long given up and closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from tests.accepting import stop_accepting


class Wire:
    """Forwards a port of its own to another one on this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._forth, self._back = asyncio.Event(), asyncio.Event()
        self._delay: Callable[[], float] | None = None
        self._whole = True
        self.port = 0

    async def start(self) -> None:
        """Listen."""
        self.mend()
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break all connections, and every new one at once."""
        self._whole = False
        for writer in self._open:
            writer.transport.abort()

    def _is_cut(self) -> bool:
        return not self._whole

    def silence(self, *, forth: bool = True, back: bool = True) -> None:
        """Keep the connections, and carry nothing: to the store, from it, or both."""
        if forth:
            self._forth.clear()
        if back:
            self._back.clear()

    def slow_down(self, delay: Callable[[], float]) -> None:
        """Hold up each piece on its way to the store for so many seconds: so each operation,
        since a connection has one under way."""
        self._delay = delay

    def mend(self) -> None:
        """Carry everything again, what was held up first."""
        self._whole = True
        self._delay = None
        self._forth.set()
        self._back.set()

    async def aclose(self) -> None:
        """Stop listening and forwarding."""
        self.cut()
        if self._server is not None:
            await stop_accepting(self._server)
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
        if self._is_cut():  # meanwhile
            for writer in (forth, back):
                writer.transport.abort()
            return
        self._open |= {forth, back}  # a task that is ended before it begins closes nothing
        for reader, writer, flowing in ((near, forth, self._forth), (far, back, self._back)):
            task = asyncio.create_task(self._carry(reader, writer, flowing))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event
    ) -> None:
        self._open.add(writer)
        with suppress(OSError):
            while data := await reader.read(65536):
                if self._delay is not None and flowing is self._forth:
                    await asyncio.sleep(self._delay())
                await flowing.wait()
                writer.write(data)
                await writer.drain()
        self._open.discard(writer)
        writer.close()
