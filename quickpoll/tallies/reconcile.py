"""The reconciler: looks, unasked, at every poll that was written to, and mends what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic

import structlog

from quickpoll.foundation.mongo import is_outage
from quickpoll.foundation.redis import RedisAway
from quickpoll.tallies import scripts
from quickpoll.tallies.counters import Counters
from quickpoll.tallies.debts import Debts
from quickpoll.tallies.rebuild import Rebuilder, drift
from quickpoll.tallies.tally import Census, Counted, Tally, microseconds, parse_state

log = structlog.get_logger(__name__)

look_seconds = 0.5
"""Between two rounds: short against the five seconds within which counts must be exact."""

busy_seconds = 1.0
"""Until the next look at a poll that is being written to."""

lease_seconds = 2.0
"""How long the work stays with an instance that has died."""

looks_at_once = 8

verify_share = 20
"""A verification may take at most one part in so many of the time: counting a large poll each
time it falls quiet would cost its voters."""


class Reconciler:
    """One instance at a time, by a lease, looks at the polls that are due.

    A poll becomes due with each batch written to it. A batch past its deadline, a count that was
    given up or lost: the poll is recounted. A poll that is quiet is counted in MongoDB without
    holding anybody off, and compared. ``recent`` names the polls in use on this instance: they
    are recounted, unasked, when Redis turns out to have been emptied.
    """

    def __init__(
        self,
        instance: str,
        counters: Counters,
        debts: Debts,
        census: Census,
        rebuilder: Rebuilder,
        recent: Callable[[], Iterable[str]] = tuple,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._instance = instance
        self._counters = counters
        self._debts = debts
        self._census = census
        self._rebuilder = rebuilder
        self._recent = recent
        self._clock = clock
        self._slots = asyncio.Semaphore(looks_at_once)
        self._verified: dict[str, tuple[float, float]] = {}
        self._read: set[str] = set()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the rounds."""
        self._counters.link.on_return(self.settle_owed)
        self._loop = asyncio.create_task(self._rounds(), name="reconciler")

    async def aclose(self) -> None:
        """Stop, and leave the lease to another instance."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        lease = self._counters.keys.lease
        try:
            await self._counters.link.run(scripts.end_lease, [lease], self._instance)
        except RedisAway:
            return

    def was_read(self, poll_ids: Iterable[str]) -> None:
        """Note polls that somebody looked at: their plain counters are checked in the round."""
        if len(self._read) < 5_000:
            self._read.update(poll_ids)

    async def settle_owed(self) -> None:
        """Give up the counts that were missed while Redis was away, and recount them."""
        owed = self._debts.take_owed()
        try:
            await self._counters.give_up(owed)
        except RedisAway:
            self._debts.owe(owed)
            return
        self._rebuilder.soon(owed)

    async def round(self) -> None:
        """Look once at everything that is due."""
        await self.settle_owed()
        await self._notice_loss()
        await self._check_plain_counters()
        if not await self._hold_lease():
            return
        for poll_id, until in await self._debts.ripe():
            await self._rebuilder.now(poll_id)
            await self._debts.settle(poll_id, until)
        await asyncio.gather(*[self._look(poll_id) for poll_id in await self._due()])

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(look_seconds)
            try:
                await self.round()
            except RedisAway:
                continue
            except Exception as error:
                if not is_outage(error):
                    log.exception("reconciler_round_failed")

    async def _notice_loss(self) -> None:
        """Leave a mark of this instance; one that is gone says that Redis was emptied."""
        key, link = self._counters.keys.presence(self._instance), self._counters.link
        if await link.call("SET", key, link.run_id, "XX", "EX", 60) is None:
            await link.call("SET", key, link.run_id, "EX", 60)
            self._rebuilder.soon(list(self._recent())[:1000])

    async def _hold_lease(self) -> bool:
        lease, milliseconds = self._counters.keys.lease, int(lease_seconds * 1000)
        link = self._counters.link
        return bool(await link.run(scripts.renew_lease, [lease], self._instance, milliseconds))

    async def _due(self) -> list[str]:
        now = microseconds() // 1000
        due: list[str] = await self._counters.link.call(
            "ZRANGE", self._counters.keys.due, "-inf", now, "BYSCORE", "LIMIT", 0, 500
        )
        return due

    async def _look(self, poll_id: str) -> None:
        async with self._slots:
            await self._judge(poll_id)

    async def _judge(self, poll_id: str) -> None:
        kind, version = await self._inspect(poll_id)
        if kind in ("lost", "provisional"):
            await self._rebuilder.now(poll_id)
            await self._later(poll_id, busy_seconds)
        elif kind == "busy":
            await self._later(poll_id, busy_seconds)
        elif (wait := self._too_soon(poll_id)) > 0:
            await self._later(poll_id, wait)
        else:
            await self._verify(poll_id, version)

    async def _inspect(self, poll_id: str) -> tuple[str, str]:
        keys, link = self._counters.keys, self._counters.link
        names = [keys.state(poll_id), keys.writes(poll_id), keys.gate(poll_id)]
        kind, version = await link.run(scripts.inspect, names, link.run_id)
        return kind, version

    async def _later(self, poll_id: str, seconds: float) -> None:
        due = microseconds() // 1000 + int(seconds * 1000)
        await self._counters.link.call("ZADD", self._counters.keys.due, "XX", due, poll_id)

    def _too_soon(self, poll_id: str) -> float:
        ended, took = self._verified.get(poll_id, (0.0, 0.0))
        return ended + took * verify_share - self._clock()

    async def _verify(self, poll_id: str, version: str) -> None:
        began = self._clock()
        counted = await self._census.count(poll_id)
        self._remember(poll_id, began)
        if await self._inspect(poll_id) != ("quiet", version):
            await self._later(poll_id, busy_seconds)
            return
        if counted is None or not await self._agrees(poll_id, counted):
            log.warning("count_differs", poll_id=poll_id)
            await self._rebuilder.now(poll_id)
        await self._forget(poll_id, version)

    def _remember(self, poll_id: str, began: float) -> None:
        if len(self._verified) > 10_000:
            self._verified.clear()
        now = self._clock()
        self._verified[poll_id] = (now, now - began)

    async def _agrees(self, poll_id: str, counted: Counted) -> bool:
        state = (await self._counters.read([poll_id]))[poll_id]
        return (
            state is not None
            and state.options == counted.options
            and (state.voters, state.likes) == (counted.voters, counted.likes)
        )

    async def _forget(self, poll_id: str, version: str) -> None:
        link, due = self._counters.link, self._counters.keys.due
        await link.call("ZREM", due, poll_id)
        # A batch that was marked before the entry went has seen it and made none: look again.
        if await self._inspect(poll_id) != ("quiet", version):
            await link.call("ZADD", due, "NX", microseconds() // 1000 + 1000, poll_id)

    async def _check_plain_counters(self) -> None:
        """Compare the counters for outside readers of polls that were looked at."""
        looked_at, self._read = list(self._read), set()
        for poll_id in looked_at:
            if await self._plain_differ(poll_id):
                drift.inc()
                log.error("plain_counter_differs", poll_id=poll_id)
                await self._counters.give_up([poll_id])
                self._rebuilder.soon([poll_id])

    async def stored(self, poll_id: str) -> dict[str, int | None]:
        """The counts as Redis has them, by option id, ``likes`` and ``voters``."""
        tally = (await self._counters.read([poll_id]))[poll_id]
        if tally is None:
            return {}
        keys, link = self._counters.keys, self._counters.link
        options = list(tally.options)
        names = [keys.option(poll_id, option) for option in options]
        found = await link.call("MGET", *names, keys.likes(poll_id))
        plain = [None if one is None else int(one) for one in found]
        return {**dict(zip([*options, "likes"], plain, strict=True)), "voters": tally.voters}

    async def _plain_differ(self, poll_id: str) -> bool:
        keys, link = self._counters.keys, self._counters.link
        tally = (await self._counters.read([poll_id]))[poll_id]
        if tally is None:
            return False
        names = [keys.option(poll_id, option) for option in tally.options]
        found = await link.call("MGET", keys.state(poll_id), *names, keys.likes(poll_id))
        same = parse_state(found[0], link.run_id)
        return same is not None and found[1:] != _plain(same)


def _plain(tally: Tally) -> list[str]:
    return [*map(str, tally.options.values()), str(tally.likes)]
