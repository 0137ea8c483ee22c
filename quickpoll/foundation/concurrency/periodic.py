"""Loops that do something again and again, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.cancellation import cancel
from quickpoll.foundation.stores.mongo import is_outage
from quickpoll.foundation.stores.redis import RedisAway

log = structlog.get_logger(__name__)


LEAST_PAUSE_AFTER_FAILURE_SECONDS = 1.0
"""What fails fails again: a loop of many rounds a second must not write as many lines."""


class Periodic:
    """Calls ``work`` every so many ``seconds``, from :meth:`start` to :meth:`aclose`; the first
    time after that pause, or ``at_once``.

    A failure ends one round, not the loop; that a store is away is no news and not logged here.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        work: Callable[[], Awaitable[object]],
        *,
        at_once: bool = False,
    ) -> None:
        self._name = name
        self._seconds = seconds
        self._work = work
        self._first_pause = 0.0 if at_once else seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the loop."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def aclose(self) -> None:
        """End the loop, in the middle of a round if need be."""
        if self._task is not None:
            await cancel(self._task)

    async def _run(self) -> None:
        pause = self._first_pause
        while True:
            await asyncio.sleep(pause)
            worked = await self.round()
            pause = self._seconds
            if not worked:
                pause = max(pause, LEAST_PAUSE_AFTER_FAILURE_SECONDS)

    async def round(self) -> bool:
        """One round, whose failure is logged; answers whether it was none."""
        try:
            await self._work()
        except Exception as error:
            if not store_is_away(error):
                log.exception("round_failed", loop=self._name)
            return False
        return True


def store_is_away(error: Exception) -> bool:
    """Whether it says that a store is away, or that something else could not be done for that."""
    return isinstance(error, RedisAway | Unavailable) or is_outage(error)
