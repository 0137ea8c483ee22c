"""Recounting one poll from MongoDB while others go on voting on all the rest.

Invariants:

- A count begins after the barrier was closed. What was applied before is in it; what is in flight
  then, or passes the barrier, is stale: its apply adds nothing and asks for another count.
- A mark past its deadline is fenced before the count begins, and taken off when the count is put in
  place: after that nothing of its batch can land, and the count has all that did.
- The version is fixed when the count is put in place: above all that Redis has given out, and above
  what was read in MongoDB directly meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic

import structlog
from prometheus_client import Counter

from quickpoll.counting.counters import Counters
from quickpoll.counting.direct import DirectCounts
from quickpoll.counting.tally import Census, Counted, Fences
from quickpoll.foundation.concurrency.cancellation import cancel
from quickpoll.foundation.concurrency.time_limits import MARK_SECONDS
from quickpoll.foundation.stores.mongo import is_outage
from quickpoll.foundation.stores.redis import RedisAway
from quickpoll.repair.barrier import BarrierTaken, ClosedBarrier, WriteBarrier

log = structlog.get_logger(__name__)

recounts = Counter("quickpoll_recounts_total", "Polls recounted from MongoDB")
drift = Counter("quickpoll_counter_drift_total", "Trusted counts that turned out wrong; must be 0")

AGAIN = -1
"""A count that was overtaken."""


class Rebuilder:
    """Puts fresh counts in place, each poll behind a barrier of its own.

    At most ``at_once`` recounts run at a time; one poll is recounted once however many ask.
    """

    def __init__(
        self,
        counters: Counters,
        census: Census,
        fences: Fences,
        direct: DirectCounts,
        at_once: int = 4,
    ) -> None:
        self._counters = counters
        self._scripts = counters.scripts
        self._census = census
        self._fences = fences
        self._direct = direct
        self._barrier = WriteBarrier(counters.scripts)
        self._slots = asyncio.Semaphore(at_once)
        self._running: dict[str, asyncio.Task[int]] = {}  # {poll id: its recount}
        self._closing = False

    def start(self) -> None:
        """Ready: recounts start when they are asked for."""

    def recount_soon(self, poll_ids: Iterable[str]) -> None:
        """Recount these polls in the background."""
        for poll_id in poll_ids:
            if not self._closing and poll_id not in self._running:
                _ = self._spawn(poll_id)

    async def recount(self, poll_id: str) -> int:
        """Recount a poll; answers how many trusted counts were wrong.

        Raises :class:`~quickpoll.foundation.stores.redis.RedisAway` or a MongoDB error.
        """
        task = self._running.get(poll_id) or self._spawn(poll_id)
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Stop recounting; a barrier that was left closed opens by itself."""
        self._closing = True
        await cancel(*self._running.values())

    def _spawn(self, poll_id: str) -> asyncio.Task[int]:
        task = asyncio.create_task(self._until_done(poll_id), name=f"recount-{poll_id}")
        self._running[poll_id] = task
        task.add_done_callback(lambda done: self._ended(poll_id, done))
        return task

    def _ended(self, poll_id: str, task: asyncio.Task[int]) -> None:
        self._running.pop(poll_id, None)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not (isinstance(error, RedisAway) or is_outage(error)):
            log.error("recount_failed", poll_id=poll_id, exc_info=error)

    async def _until_done(self, poll_id: str) -> int:
        while True:
            began = monotonic()
            with suppress(BarrierTaken):  # somebody else recounts it: see what becomes of that
                async with self._slots:
                    wrong = await self._recount(poll_id)
                if wrong != AGAIN:
                    return wrong
            # So writers are held off for half of the time at the most, and MongoDB counts no more.
            await asyncio.sleep(monotonic() - began)

    async def _recount(self, poll_id: str) -> int:
        """One try; answers :data:`AGAIN` where it was overtaken."""
        try:
            async with self._barrier.closed(poll_id) as barrier:
                for mark in barrier.expired.values():
                    await self._fences.fence(poll_id, mark)
                counted = await self._census.count(poll_id)
                return await self._put(poll_id, barrier, counted)
        except (BarrierTaken, RedisAway):
            raise
        except Exception:
            # The counts are what they were when somebody asked for this: not to be trusted.
            with suppress(RedisAway):
                await self._scripts.give_up([poll_id])
            raise

    async def _put(self, poll_id: str, barrier: ClosedBarrier, counted: Counted | None) -> int:
        if counted is None:
            return 0 if await self._scripts.remove(poll_id, behind=barrier.name) else AGAIN
        # While nobody likes: afterwards it would undo the step of a like that has come since.
        await self._census.mend_likes(poll_id, counted.likes)
        read, read_publicly = await self._direct.last_versions(poll_id)
        floor = max(self._counters.clock.now(), read)
        # The next look comes first: should this instance die here, somebody still looks.
        await self._scripts.look_at([poll_id], MARK_SECONDS, "LT")
        wrong = await self._scripts.open_barrier(
            poll_id, barrier.name, counted, barrier.expired, (floor, read_publicly)
        )
        if wrong != AGAIN:
            recounts.inc()
            if read:
                await self._direct.forget(poll_id, floor)
        # While an instance is cut off from Redis, others are behind, and that is no fault. Its note
        # stands before what was counted here, and may be newer than what was last seen of notes.
        if wrong > 0 and not await self._counters.uncounted.on_poll(poll_id):
            drift.inc(wrong)
            log.error("counter_drift", poll_id=poll_id, wrong=wrong)
        return wrong
