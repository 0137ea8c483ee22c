"""Recounting one poll from MongoDB while others go on voting on all the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic

import orjson
import structlog
from prometheus_client import Counter

from quickpoll.foundation.ending import end
from quickpoll.foundation.mongo import is_outage
from quickpoll.foundation.redis import RedisAway
from quickpoll.tallies import scripts
from quickpoll.tallies.counters import Counters, write_milliseconds, write_seconds
from quickpoll.tallies.debts import Debt
from quickpoll.tallies.gate import Gate, StillWriting
from quickpoll.tallies.tally import Census, Counted, microseconds

log = structlog.get_logger(__name__)

recounts = Counter("quickpoll_recounts_total", "Polls recounted from MongoDB")
drift = Counter("quickpoll_counter_drift_total", "Trusted counts that turned out wrong; must be 0")

again_seconds = 0.25
"""Until the next try where a batch has been in flight for too long."""


class Rebuilder:
    """Puts fresh counts in place, each poll behind a gate of its own.

    At most ``at_once`` recounts run at a time; one poll is recounted once however many ask.
    """

    def __init__(self, counters: Counters, census: Census, at_once: int = 4) -> None:
        self._counters = counters
        self._census = census
        self._gate = Gate(counters)
        self._slots = asyncio.Semaphore(at_once)
        self._running: dict[str, asyncio.Task[int]] = {}
        self._closing = False

    def start(self) -> None:
        """Ready: recounts start when they are asked for."""

    def soon(self, poll_ids: Iterable[str]) -> None:
        """Recount these polls in the background."""
        for poll_id in poll_ids:
            if not self._closing and poll_id not in self._running:
                _ = self._spawn(poll_id)

    async def now(self, poll_id: str) -> int:
        """Recount a poll; answers how many trusted counts were wrong.

        Raises :class:`~quickpoll.foundation.redis.RedisAway` or a MongoDB error.
        """
        task = self._running.get(poll_id) or self._spawn(poll_id)
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Stop recounting; a gate that was left closed opens by itself."""
        self._closing = True
        await end(*self._running.values())

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
            try:
                async with self._slots:
                    wrong = await self._recount(poll_id)
            except StillWriting:
                # Writers go on meanwhile; the mark they wait for ends or comes to its deadline.
                await asyncio.sleep(again_seconds)
                continue
            if wrong >= 0:
                return wrong

    async def _recount(self, poll_id: str) -> int:
        """One try; answers -1 where it must be counted again at once."""
        try:
            async with self._gate.closed(poll_id) as token:
                closed_at = monotonic()
                counted = await self._census.count(poll_id)
                return await self._put(poll_id, token, counted, closed_at)
        except (StillWriting, RedisAway):
            raise
        except Exception:
            # What kept MongoDB from answering may keep writes from landing, too: the recount
            # that settles it must come some time after it answers again.
            with suppress(RedisAway):
                await self._counters.give_up({poll_id: Debt(unsure=True)})
            raise

    async def _put(
        self, poll_id: str, token: str, counted: Counted | None, closed_at: float
    ) -> int:
        if counted is None:
            await self._counters.remove(poll_id)
            return 0
        # While nobody likes: afterwards it would undo the step of a like that has come since.
        await self._census.mend_likes(poll_id, counted.likes)
        wrong = await self._open_gate(poll_id, token, counted, closed_at)
        if wrong >= 0:
            recounts.inc()
        # While an instance is cut off from Redis, others are behind, and that is no fault.
        if wrong > 0 and not await self._counters.is_missed(poll_id):
            drift.inc(wrong)
            log.error("counter_drift", poll_id=poll_id, wrong=wrong)
        return wrong

    async def _open_gate(self, poll_id: str, token: str, counted: Counted, closed_at: float) -> int:
        keys = self._counters.keys
        plain = [keys.option(poll_id, option) for option in counted.options]
        body = {
            "id": poll_id,
            "options": list(counted.options.items()),
            "voters": counted.voters,
            "likes": counted.likes,
            "r": counted.revision,
            "hung": int(counted.hung),
        }
        link = self._counters.link
        # The next look comes first: should this instance die here, somebody still looks.
        await self._counters.look_at([poll_id], write_seconds, "LT")
        return int(
            await link.run(
                scripts.open_gate,
                [keys.state(poll_id), keys.gate(poll_id), *plain, keys.likes(poll_id)],
                token,
                link.run_id,
                keys.updates,
                orjson.dumps(body),
                microseconds(),
                int((monotonic() - closed_at) * 1000),
                write_milliseconds,
            )
        )
