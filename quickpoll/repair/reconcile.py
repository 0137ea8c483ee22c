"""The reconciler: looks, unasked, at every poll that was written to, and mends what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from time import monotonic

import structlog
from prometheus_client import Gauge
from pymongo.errors import PyMongoError

from quickpoll.counting.answers import Inspection, PollState
from quickpoll.counting.counters import Counters
from quickpoll.counting.keys import every_state, poll_of_state
from quickpoll.counting.tally import Census, Counted, Fences, Tally, parse_state
from quickpoll.counting.uncounted import Note
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.concurrency.time_limits import (
    BUSY_SECONDS,
    FORGETFUL_LOOKS_SECONDS,
    LOOK_SECONDS,
    SETTLE_SECONDS,
)
from quickpoll.foundation.stores.mongo import deadline
from quickpoll.foundation.stores.redis import RedisAway
from quickpoll.repair.rebuild import Rebuilder, drift
from quickpoll.repair.restored import RestoreWatch
from quickpoll.repair.verification_pace import VerificationPace

log = structlog.get_logger(__name__)

LOOKS_AT_ONCE = 8
MOST_DUE = 500

PRESENCE_SECONDS = 60
"""How long the mark of an instance outlives it in Redis."""

RESTING_AT_ONCE = 100
"""Keys of Redis that one round walks over."""

oldest_write = Gauge(
    "quickpoll_oldest_write_seconds", "Age of the oldest batch between MongoDB and the counts"
)


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
        census: Census,
        fences: Fences,
        rebuilder: Rebuilder,
        restored: RestoreWatch,
        recent: Callable[[], Awaitable[Iterable[str]]],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._instance = instance
        self._counters = counters
        self._scripts = counters.scripts
        self._uncounted = counters.uncounted
        self._census = census
        self._fences = fences
        self._rebuilder = rebuilder
        self._restored = restored
        self._recent = recent
        self._clock = clock
        self._slots = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._pace = VerificationPace(clock)
        self._read: set[str] = set()
        self._cursor = 0
        self._present = False
        self._loop = Periodic("reconciler", LOOK_SECONDS, self.round)

    def start(self) -> None:
        """Start the rounds."""
        self._counters.link.on_return(self.settle_all)
        self._loop.start()

    async def aclose(self) -> None:
        """Stop, and leave the lease to another instance."""
        await self._loop.aclose()
        with suppress(RedisAway):
            await self._scripts.end_lease(self._instance)

    def was_read(self, poll_ids: Iterable[str]) -> None:
        """Note polls that somebody looked at: their plain counters are checked in the round."""
        if len(self._read) < 5_000:
            self._read.update(poll_ids)

    async def settle_all(self) -> None:
        """Give up what every instance has missed, as soon as Redis is back: nobody trusts counts
        before. Raises :class:`~quickpoll.foundation.stores.redis.RedisAway`."""
        self._counters.miss_what_another_heard()
        with suppress(PyMongoError), deadline(SETTLE_SECONDS):
            # Without MongoDB there is nothing to see or to count.
            await self._uncounted.look()
            self._counters.remember_missed(note.poll_id for note in self._uncounted.all())
        await self._counters.give_up_missed()

    async def round(self) -> None:
        """Look once at everything that is due."""
        await self._counters.give_up_missed()
        await self._notice_loss()
        with suppress(PyMongoError):  # then nobody can say; what follows says what else there is
            await self._check_plain_counters()
        await self._settle_notes(self._idle_notes())
        if not await self._scripts.renew_lease(self._instance):
            oldest_write.set(0)
            return
        await self._restored.look()
        await self._settle_notes(self._uncounted.ripe())
        due = await self._scripts.due(MOST_DUE)
        ages = await asyncio.gather(*[self._look(*one) for one in due.items()])
        oldest_write.set(max(ages, default=0.0))

    def _idle_notes(self) -> list[Note]:
        """Notes of this instance that have no write under way: Redis is back, and may be told."""
        return [note for note in self._uncounted.own() if not note.marks()]

    async def _settle_notes(self, notes: list[Note]) -> None:
        if not notes:
            return
        for note in notes:
            for mark in note.marks():
                await self._fences.fence(note.poll_id, mark)
        # Given up first: from then on nobody trusts the counts, and the note is not needed.
        await self._scripts.give_up(sorted({note.poll_id for note in notes}))
        await self._uncounted.settle(notes)

    async def _notice_loss(self) -> None:
        """Leave marks in Redis; one that is gone, or from another life of Redis, says that counts
        were lost. The own one tells of a loss since this instance started, the common one of a
        loss before."""
        keys, link = self._counters.keys, self._counters.link
        await self._counters.adjust_clock()
        names = keys.presence(self._instance), keys.presence("any")
        own, common, _ = await link.together(
            [*(("GET", name) for name in names), ("PEXPIRE", names[0], PRESENCE_SECONDS * 1000)]
        )
        if common != link.run_id or (self._present and own != link.run_id):
            await self._scripts.look_at(await self._recent(), 0.0, "LT")
        elif self._present:
            return
        # Made again only when that is done: an answer may be lost, and MongoDB may be away.
        await link.together(
            [("SET", names[0], link.run_id, "EX", PRESENCE_SECONDS), ("SET", names[1], link.run_id)]
        )
        self._present = True

    async def _look(self, poll_id: str, entry: str) -> float:
        """Judge a poll; answers the age in seconds of the oldest batch in flight."""
        async with self._slots:
            seen = await self._scripts.inspect(poll_id)
            await self._judge(poll_id, entry, seen)
            return seen.oldest_write

    async def _judge(self, poll_id: str, entry: str, seen: Inspection) -> None:
        if seen.kind is PollState.LOST:
            self._rebuilder.recount_soon([poll_id])
            await self._later(poll_id, BUSY_SECONDS)
        elif seen.kind is PollState.BUSY:
            await self._later(poll_id, min(seen.wait + 0.01, BUSY_SECONDS))
        else:
            after_loss = _next_look(seen.built) is not None
            if (wait := self._pace.wait(poll_id, after_loss=after_loss)) > 0:
                await self._later(poll_id, min(wait, BUSY_SECONDS))
            else:
                await self._verify(poll_id, entry, seen)

    async def _later(self, poll_id: str, seconds: float) -> None:
        await self._scripts.look_at([poll_id], seconds, "XX")

    async def _verify(self, poll_id: str, entry: str, seen: Inspection) -> None:
        began = self._clock()
        counted = await self._census.count(poll_id)
        self._pace.verified(poll_id, began)
        if not (await self._scripts.inspect(poll_id)).still(seen):
            await self._later(poll_id, BUSY_SECONDS)
        elif counted is not None and await self._agrees(poll_id, counted):
            # Where its marks were lost once, what was sent under them may still come.
            await self._scripts.looked_at(poll_id, entry, _next_look(seen.built))
        elif poll_id in await self._counters.noted_by_now([poll_id]):
            # An instance is cut off from Redis; that is no fault of the counts.
            await self._scripts.give_up([poll_id])
        else:
            log.warning("count_differs", poll_id=poll_id)
            self._rebuilder.recount_soon([poll_id])
            await self._later(poll_id, BUSY_SECONDS)

    async def _agrees(self, poll_id: str, counted: Counted) -> bool:
        state = (await self._counters.read([poll_id]))[poll_id]
        return (
            state is not None
            and state.options == counted.options
            and (state.voters, state.likes) == (counted.voters, counted.likes)
            and state.revision >= counted.revision
        )

    async def _check_plain_counters(self) -> None:
        """Compare the counters for outside readers: of polls that were looked at, and, some in
        each round, of all."""
        looked_at, self._read = self._read, set()
        for poll_id in await self._plain_differing(looked_at | await self._some_resting()):
            drift.inc()
            log.error("plain_counter_differs", poll_id=poll_id)
            await self._scripts.give_up([poll_id])

    async def _some_resting(self) -> set[str]:
        """The next polls of a walk over all that have a state in Redis."""
        keys = self._counters.keys
        cursor, names = await self._counters.link.call(
            "SCAN", self._cursor, "MATCH", every_state(keys), "COUNT", RESTING_AT_ONCE
        )
        self._cursor = int(cursor)
        return {poll_id for name in names if (poll_id := poll_of_state(name))}

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
        plain = [int(one) if one is not None and one.isdigit() else None for one in found]
        return {**dict(zip([*options, "likes"], plain, strict=True)), "voters": tally.voters}

    async def _plain_differing(self, poll_ids: Collection[str]) -> list[str]:
        """Those whose counters for outside readers are not what their state says, in two round
        trips."""
        keys, link = self._counters.keys, self._counters.link
        read = await self._counters.read(poll_ids)
        tallies = {poll_id: tally for poll_id, tally in read.items() if tally is not None}
        if not tallies:
            return []
        found = await link.ask_together(
            [
                (
                    "MGET",
                    keys.state(i),
                    *(keys.option(i, one) for one in tally.options),
                    keys.likes(i),
                )
                for i, tally in tallies.items()
            ]
        )
        return [
            poll_id
            for (poll_id, tally), (state, *plain) in zip(tallies.items(), found, strict=True)
            if _differ(parse_state(state, link.run_id), plain, list(tally.options))
        ]


def _differ(state: Tally | None, plain: list[str | None], options: list[str]) -> bool:
    """Whether counters for outside readers differ from the state that was read with them."""
    if state is None:
        return False
    return plain != [*(str(state.options.get(one)) for one in options), str(state.likes)]


def _next_look(built: float) -> float | None:
    """Seconds until a poll whose state was built from nothing so long ago is looked at again."""
    if built < 0:
        return None
    return next((at - built for at in FORGETFUL_LOOKS_SECONDS if at > built), None)
