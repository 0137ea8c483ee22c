"""A loop that can be woken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from quickpoll.foundation.concurrency.periodic import Periodic


class Wakeful(Periodic):
    """Calls ``work`` every so many ``seconds``, and at once when it is woken."""

    def __init__(self, name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        super().__init__(name, seconds, work)
        self._pause = seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._woken.wait()
            self._woken.clear()
            await self.round()
