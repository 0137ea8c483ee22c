"""The reconciler: looks, unasked, at every poll that was written to, and mends what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import structlog
from prometheus_client import Gauge
from pymongo.errors import PyMongoError

from quickpoll.foundation.ending import end
from quickpoll.foundation.mongo import deadline, is_outage
from quickpoll.foundation.redis import RedisAway
from quickpoll.tallies import scripts
from quickpoll.tallies.counters import Counters, write_seconds
from quickpoll.tallies.debts import Debt, Debts
from quickpoll.tallies.rebuild import Rebuilder, drift
from quickpoll.tallies.tally import Census, Counted, parse_state

log = structlog.get_logger(__name__)

look_seconds = 0.5
"""Between two rounds: short against the five seconds within which counts must be exact."""

busy_seconds = 1.0
"""Until the next look at a poll that is being written to."""

lease_seconds = 2.0
"""How long the work stays with an instance that has died."""

looks_at_once = 8

most_due = 500

notes_seconds = 0.5
"""How long the return of Redis is put off to read what it has missed."""

verify_share = 20
"""A verification may take at most one part in so many of the time: counting a large poll each
time it falls quiet would cost its voters."""


oldest_write = Gauge(
    "quickpoll_oldest_write_seconds", "Age of the oldest batch between MongoDB and the counts"
)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What Redis knows of a poll. ``wait``: seconds until it may be worth another look."""

    kind: str
    version: str
    wait: float
    oldest_write: float

    def still(self, before: Inspection) -> bool:
        """Whether nothing has happened since a poll was found quiet."""
        return (self.kind, self.version) == (before.kind, before.version)


class Reconciler:
    """One instance at a time, by a lease, looks at the polls that are due.

    A poll becomes due with each batch written to it. A batch past its deadline, a count that was
    given up or lost: the poll is recounted. A poll that is quiet is counted in MongoDB without
    holding anybody off, and compared. ``recent`` names the polls in use: they are recounted,
    unasked, when Redis turns out to have been emptied.
    """

    def __init__(
        self,
        instance: str,
        counters: Counters,
        debts: Debts,
        census: Census,
        rebuilder: Rebuilder,
        recent: Callable[[], Awaitable[Iterable[str]]],
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
        self._present = False
        self._run = ""
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the rounds."""
        self._counters.link.on_return(self.settle_all)
        self._loop = asyncio.create_task(self._rounds(), name="reconciler")

    async def aclose(self) -> None:
        """Stop, and leave the lease to another instance."""
        if self._loop is not None:
            await end(self._loop)
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
        """Give up the counts that were missed while Redis was away.

        Raises :class:`~quickpoll.foundation.redis.RedisAway`; then they are owed still.
        """
        owed = self._debts.take_owed()
        try:
            await self._counters.give_up(owed)
        except BaseException:
            self._debts.owe_again(owed)
            raise

    async def settle_all(self) -> None:
        """The same for what every instance has missed, as soon as Redis is back: nobody trusts
        counts before. Raises :class:`~quickpoll.foundation.redis.RedisAway`."""
        if self._run != self._counters.link.run_id:
            self._run = self._counters.link.run_id
            self._debts.owe_what_was_told()
        with suppress(PyMongoError), deadline(notes_seconds):
            # Without MongoDB there is nothing to see or to count.
            self._debts.owe(await self._debts.noted())
        await self.settle_owed()

    async def round(self) -> None:
        """Look once at everything that is due."""
        await self.settle_owed()
        await self._notice_loss()
        await self._check_plain_counters()
        if not await self._hold_lease():
            oldest_write.set(0)
            return
        for poll_id, until in await self._debts.ripe():
            await self._counters.give_up({poll_id: Debt()})
            await self._debts.settle(poll_id, until)
        ages = await asyncio.gather(*[self._look(poll_id) for poll_id in await self._due()])
        oldest_write.set(max(ages, default=0.0))

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
        """Leave marks in Redis; one that is gone, or from another life of Redis, says that counts
        were lost. The own one tells of a loss since this instance started, the common one of a
        loss before."""
        keys, link = self._counters.keys, self._counters.link
        # Not SET with GET: the client makes a truth value of its answer.
        own, common, *_ = await link.together(
            [
                ("GET", keys.presence(self._instance)),
                ("GET", keys.presence("any")),
                ("SET", keys.presence(self._instance), link.run_id, "EX", 60),
                ("SET", keys.presence("any"), link.run_id),
            ]
        )
        if common != link.run_id or (self._present and own != link.run_id):
            await self._counters.look_at(await self._recent(), 0.0, "LT")
        self._present = True

    async def _hold_lease(self) -> bool:
        lease, milliseconds = self._counters.keys.lease, int(lease_seconds * 1000)
        link = self._counters.link
        return bool(await link.run(scripts.renew_lease, [lease], self._instance, milliseconds))

    async def _due(self) -> list[str]:
        link, keys = self._counters.link, self._counters.keys
        due: list[str] = await link.run(scripts.due_now, [keys.due], most_due)
        return due

    async def _look(self, poll_id: str) -> float:
        """Judge a poll; answers the age in seconds of the oldest batch in flight."""
        async with self._slots:
            seen = await self._inspect(poll_id)
            await self._judge(poll_id, seen)
            return seen.oldest_write

    async def _judge(self, poll_id: str, seen: Inspection) -> None:
        if seen.kind == "lost":
            self._rebuilder.soon([poll_id])
            await self._later(poll_id, busy_seconds)
        elif seen.kind == "busy":
            await self._later(poll_id, min(seen.wait + 0.01, busy_seconds))
        elif (wait := self._too_soon(poll_id)) > 0:
            await self._later(poll_id, min(wait, busy_seconds))
        else:
            await self._verify(poll_id, seen)

    async def _inspect(self, poll_id: str) -> Inspection:
        keys, link = self._counters.keys, self._counters.link
        names = [keys.state(poll_id), keys.writes(poll_id), keys.gate(poll_id)]
        kind, version, wait, *left = await link.run(scripts.inspect, names, link.run_id)
        age = write_seconds - left[0] / 1000 if left else 0.0
        return Inspection(kind, version, wait / 1000, age)

    async def _later(self, poll_id: str, seconds: float) -> None:
        await self._counters.look_at([poll_id], seconds, "XX")

    def _too_soon(self, poll_id: str) -> float:
        ended, took = self._verified.get(poll_id, (0.0, 0.0))
        return ended + took * verify_share - self._clock()

    async def _verify(self, poll_id: str, seen: Inspection) -> None:
        began = self._clock()
        counted = await self._census.count(poll_id)
        self._remember(poll_id, began)
        if not (await self._inspect(poll_id)).still(seen):
            await self._later(poll_id, busy_seconds)
        elif counted is not None and await self._agrees(poll_id, counted):
            await self._forget(poll_id, seen)
        elif await self._counters.is_missed(poll_id):
            # An instance is cut off from Redis; that is no fault of the counts.
            await self._counters.give_up({poll_id: Debt()})
        else:
            log.warning("count_differs", poll_id=poll_id)
            self._rebuilder.soon([poll_id])
            await self._later(poll_id, busy_seconds)

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

    async def _forget(self, poll_id: str, seen: Inspection) -> None:
        await self._counters.link.call("ZREM", self._counters.keys.due, poll_id)
        # A batch that was marked before the entry went has seen it and made none: look again.
        if not (await self._inspect(poll_id)).still(seen):
            await self._counters.look_at([poll_id], busy_seconds, "LT")

    async def _check_plain_counters(self) -> None:
        """Compare the counters for outside readers of polls that were looked at."""
        looked_at, self._read = list(self._read), set()
        for poll_id in looked_at:
            if await self._plain_differ(poll_id):
                drift.inc()
                log.error("plain_counter_differs", poll_id=poll_id)
                await self._counters.give_up({poll_id: Debt()})

    async def stored(self, poll_id: str) -> dict[str, int | None]:
        """The counts as Redis has them, by option id, ``likes`` and ``voters``; of a state that
        is not trusted, nothing."""
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
        options = list(tally.options)
        names = [keys.option(poll_id, option) for option in options]
        found = await link.ask("MGET", keys.state(poll_id), *names, keys.likes(poll_id))
        same = parse_state(found[0], link.run_id)
        if same is None:
            return False
        wanted = [*(str(same.options.get(one)) for one in options), str(same.likes)]
        return bool(found[1:] != wanted)
