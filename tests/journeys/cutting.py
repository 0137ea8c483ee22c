"""A wire to the service that breaks at the worst moment for a client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

from tests.accepting import stop_accepting

subscribes_with = 3
"""What a WebSocket client of Socket.IO sends, each after an answer: the request, the token, and
then what it asks for first."""


class CuttingWire:
    """Forwards to a port of this machine. The first connection is cut when its client has asked for
    something, before the service hears of it, so the client waits for an answer to nothing."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0
        self.url = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        """Forward, until the block ends."""
        async with await asyncio.start_server(self._join, "127.0.0.1", 0) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            try:
                yield self
            finally:
                await stop_accepting(server)
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", self._target)
        for work in (self._ask(near, forth, back), self._carry(far, back)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(
        self, near: asyncio.StreamReader, forth: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        sent = 0
        with suppress(OSError):
            while data := await near.read(65536):
                sent += 1
                if sent == subscribes_with and not self.cuts:
                    self.cuts += 1
                    back.transport.abort()
                    break
                forth.write(data)
                await forth.drain()
        forth.close()

    async def _carry(self, far: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await far.read(65536):
                back.write(data)
                await back.drain()
        back.close()
