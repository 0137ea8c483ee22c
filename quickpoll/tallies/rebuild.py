"""Recounting one poll from MongoDB while others go on voting on all the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import monotonic

import orjson
import structlog
from prometheus_client import Counter

from quickpoll.foundation.mongo import is_outage
from quickpoll.foundation.redis import RedisAway
from quickpoll.tallies import scripts
from quickpoll.tallies.counters import Counters, write_seconds
from quickpoll.tallies.gate import Gate
from quickpoll.tallies.tally import Census, Counted, microseconds

log = structlog.get_logger(__name__)

recounts = Counter("quickpoll_recounts_total", "Polls recounted from MongoDB")
drift = Counter("quickpoll_counter_drift_total", "Trusted counts that turned out wrong; must be 0")


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
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _spawn(self, poll_id: str) -> asyncio.Task[int]:
        task = asyncio.create_task(self._guarded(poll_id), name=f"recount-{poll_id}")
        self._running[poll_id] = task
        task.add_done_callback(lambda done: self._ended(poll_id, done))
        return task

    def _ended(self, poll_id: str, task: asyncio.Task[int]) -> None:
        self._running.pop(poll_id, None)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not (isinstance(error, RedisAway) or is_outage(error)):
            log.error("recount_failed", poll_id=poll_id, exc_info=error)

    async def _guarded(self, poll_id: str) -> int:
        async with self._slots:
            return await self._recount(poll_id)

    async def _recount(self, poll_id: str) -> int:
        while True:
            async with self._gate.closed(poll_id) as token:
                closed_at = monotonic()
                counted = await self._census.count(poll_id)
                wrong = await self._put(poll_id, token, counted, monotonic() - closed_at)
            if wrong >= 0:
                return wrong

    async def _put(self, poll_id: str, token: str, counted: Counted | None, elapsed: float) -> int:
        if counted is None:
            await self._counters.remove(poll_id)
            return 0
        wrong = await self._open_gate(poll_id, token, counted, elapsed)
        if wrong < 0:
            return wrong
        recounts.inc()
        if wrong:
            drift.inc(wrong)
            log.error("counter_drift", poll_id=poll_id, wrong=wrong)
        await self._census.mend_likes(poll_id, counted.likes)
        return wrong

    async def _open_gate(self, poll_id: str, token: str, counted: Counted, elapsed: float) -> int:
        keys = self._counters.keys
        plain = [keys.option(poll_id, option) for option in counted.options]
        body = {
            "id": poll_id,
            "options": list(counted.options.items()),
            "voters": counted.voters,
            "likes": counted.likes,
            "r": counted.revision,
        }
        link = self._counters.link
        # The next look comes first: should this instance die here, somebody still looks.
        due = microseconds() // 1000 + int(write_seconds * 1000)
        await link.call("ZADD", keys.due, "NX", due, poll_id)
        return int(
            await link.run(
                scripts.open_gate,
                [keys.state(poll_id), keys.gate(poll_id), *plain, keys.likes(poll_id)],
                token,
                link.run_id,
                keys.updates,
                orjson.dumps(body),
                microseconds(),
                int(elapsed * 1000),
                int(write_seconds * 1000),
            )
        )
