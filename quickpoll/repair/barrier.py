"""The write barrier of a poll: while it is closed, writers wait.

Invariants:

- A barrier is owned by the token that closed it, and opens by itself after
  :data:`BARRIER_SECONDS`, should its owner die. One that was lost is never taken up again: it is
  known by its moment, too, so that a late copy of the script that closed it closes another one.
- It holds off each write for :data:`HOLD_SECONDS` at the most, together with all barriers before:
  then the write passes. So one recount after the other delays a vote, and never refuses it. Less
  would not do: what passes a barrier overtakes the count behind it, and on a poll that many vote
  on, no recount would come to its end.
- It waits for the batches in flight only as long as that is likely to help. Batches that are still
  in flight then become stale before anything is counted, those that pass a closed barrier from
  their mark on: their apply does not add. So a recount never waits for a writer that has died.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from secrets import token_hex

from quickpoll.counting.answers import BarrierView
from quickpoll.counting.scripts import TallyScripts
from quickpoll.counting.tally import Mark
from quickpoll.foundation.concurrency.cancellation import cancel
from quickpoll.foundation.concurrency.time_limits import (
    BARRIER_SECONDS,
    DRAIN_SECONDS,
    DRAIN_STEP_SECONDS,
)
from quickpoll.foundation.stores.redis import RedisAway


class BarrierTaken(Exception):
    """Another instance holds the writers of this poll off."""


@dataclass(frozen=True, slots=True)
class ClosedBarrier:
    """A barrier of ours by what it is known by, and the marks past their deadline that were found
    when it was closed."""

    name: str
    expired: dict[str, Mark]


class WriteBarrier:
    """Closes one poll's barrier at a time; the other polls are not concerned."""

    def __init__(self, scripts: TallyScripts) -> None:
        self._scripts = scripts

    @asynccontextmanager
    async def closed(self, poll_id: str) -> AsyncIterator[ClosedBarrier]:
        """Hold writers off inside the ``with`` block, entered when those in flight have ended or
        were waited for long enough.

        Raises :class:`BarrierTaken` and :class:`~quickpoll.foundation.stores.redis.RedisAway`.
        """
        token = token_hex(8)
        try:
            found = await self._drain(poll_id, token)
            keeping = self._keep(poll_id, found.barrier)
            keeper = asyncio.create_task(keeping, name=f"barrier-{poll_id}")
            try:
                yield ClosedBarrier(found.barrier, found.expired)
            finally:
                await cancel(keeper)
        finally:
            with suppress(RedisAway):  # then it opens by itself
                await self._scripts.leave_barrier(poll_id, token)

    async def _drain(self, poll_id: str, token: str) -> BarrierView:
        loop = asyncio.get_running_loop()
        until = loop.time() + DRAIN_SECONDS
        while True:
            in_time = loop.time() < until
            found = await self._scripts.close_barrier(poll_id, token, wait=in_time)
            if found.barrier and not (found.in_flight and in_time):
                return found
            if not (found.barrier or in_time):
                raise BarrierTaken
            await asyncio.sleep(DRAIN_STEP_SECONDS)

    async def _keep(self, poll_id: str, barrier: str) -> None:
        kept = True
        while kept:
            await asyncio.sleep(BARRIER_SECONDS / 4)
            try:
                kept = await self._scripts.keep_barrier(poll_id, barrier)
            except RedisAway:
                return
