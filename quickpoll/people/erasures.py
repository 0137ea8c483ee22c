"""Erasures: asked for, carried on by whichever instance holds the lease, and looked after.

Invariants:

- An erasure is stored, by a majority, before it is acknowledged. What it has to do it finds anew in
  every step, so it goes on wherever it was killed.
- It is done when a pass over everything has found nothing, and that pass began after every write
  for the person must have ended: every instance knew of the erasure by then
  (:mod:`quickpoll.personal.departures`), and the marks of what was under way have run out. What
  names the person and passes by itself may pass by becoming a document, a fence: so it is looked
  for first, and for documents once more after that.
- What was sent before and comes later still, along a stalled wire, is looked for during an hour:
  only what was made before the end, since whoever was erased may come back. Those looks have rounds
  of their own: no erasure waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic

import structlog
from prometheus_client import Counter
from pymongo.errors import PyMongoError

from quickpoll.foundation.concurrency.at_once import some_at_once
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.concurrency.time_limits import (
    MARGIN_SECONDS,
    MARK_SECONDS,
)
from quickpoll.foundation.stores.lease import Lease
from quickpoll.foundation.stores.redis import RedisAway
from quickpoll.people.erasing import Eraser
from quickpoll.people.erasing.passing import Passing
from quickpoll.personal.departures import STALE_SECONDS
from quickpoll.personal.jobs import ErasureStore
from quickpoll.personal.models import DONE, Erasure

log = structlog.get_logger(__name__)

ROUND_SECONDS = 2.0
"""Between two looks: an erasure takes some seconds, and most of the time there is none."""

erased = Counter("quickpoll_erasures_total", "Erasures of a person's data that were carried out")

SETTLED_SECONDS = STALE_SECONDS + MARK_SECONDS + MARGIN_SECONDS
"""After an erasure was seen nothing is written for its person any more."""

CLOCKS_APART = timedelta(seconds=1.5)
"""How far the clocks of two instances may be apart, and a little more."""

AT_ONCE = 8
SWEEPS_AT_ONCE = 2


class LeaseLost(Exception):
    """Another instance carries on."""


class Erasures:
    """Carries out erasures."""

    def __init__(
        self,
        jobs: ErasureStore,
        lease: Lease,
        erasers: Sequence[Eraser],
        passing: Passing,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._jobs = jobs
        self._lease = lease
        self.erasers = erasers
        self._passing = passing
        self._clock = clock
        self._seen: dict[tuple[str, int], float] = {}  # {(erasure, run): when it was seen first}
        self._loops = (
            Periodic("erasures", ROUND_SECONDS, self.round),
            Periodic("sweeps", ROUND_SECONDS, self.sweep),
        )

    def start(self) -> None:
        """Start the rounds."""
        for loop in self._loops:
            loop.start()

    async def aclose(self) -> None:
        """Stop, and leave the lease to another instance."""
        for loop in self._loops:
            await loop.aclose()
        with suppress(PyMongoError):
            await self._lease.leave()

    async def request(self, user_id: str) -> Erasure:
        """The erasure of this person; the same one again, unless they have left something since it
        was done: then it begins once more. Raises a MongoDB error."""
        erasure = await self._jobs.request(user_id)
        if erasure.status == DONE and await self.left(user_id):
            await self._jobs.again(erasure, user_id)
        return erasure

    async def left(self, user_id: str) -> int:
        """How much is held of a person. Raises a MongoDB error."""
        return sum(await asyncio.gather(*[one.left(user_id) for one in self.erasers]))

    async def round(self) -> None:
        """Carry on what is under way, where this instance holds the lease. Raises what the first
        one raised that failed, when all were tried."""
        running = await self._jobs.running()
        self._seen = {key: self._seen.get(key, self._clock()) for key in map(_key, running)}
        await self._each(self._carry_on, running, AT_ONCE)

    async def sweep(self) -> None:
        """The same with those that are done: look for what has come since."""
        await self._each(self._look_after, await self._jobs.to_sweep(), SWEEPS_AT_ONCE)

    async def _each(
        self, step: Callable[[Erasure], Awaitable[None]], erasures: Sequence[Erasure], at_once: int
    ) -> None:
        if not erasures or not await self._lease.hold():
            return
        failures: list[Exception] = []
        await some_at_once([_tried(step(one), failures) for one in erasures], at_once)
        if failures:
            raise failures[0]

    async def _carry_on(self, erasure: Erasure) -> None:
        user_id = str(erasure.user_id)
        settled = self._clock() >= self._seen[_key(erasure)] + SETTLED_SECONDS
        if not await self._erase_all(user_id) or not settled:
            return
        with suppress(RedisAway):  # then nobody can say what its keys hold
            if not await self._passing.holds(user_id) and not await self.left(user_id):
                await self._jobs.finish(erasure)
                erased.inc()
                log.info("person_erased", job_id=str(erasure.id))

    async def _erase_all(self, user_id: str, before: datetime | None = None) -> bool:
        """Pass over everything until nothing is found; false where the lease went meanwhile."""
        with suppress(LeaseLost):
            while sum([await self._exhaust(one, user_id, before) for one in self.erasers]):
                continue
            return True
        return False

    async def _exhaust(self, eraser: Eraser, user_id: str, before: datetime | None) -> int:
        """One step after the other; answers how many found something. Raises
        :class:`LeaseLost`."""
        steps = 0
        while await self._hold() and await eraser.some(user_id, before):
            steps += 1
        return steps

    async def _hold(self) -> bool:
        if not await self._lease.hold():
            raise LeaseLost
        return True

    async def _look_after(self, erasure: Erasure) -> None:
        user_id = await self._jobs.person_of(erasure)
        if user_id is not None and erasure.done_at is not None:
            before = erasure.done_at - CLOCKS_APART
            if not await self._erase_all(user_id, before):
                return
        await self._jobs.swept(erasure)


async def _tried(work: Awaitable[None], failures: list[Exception]) -> None:
    """One erasure that fails holds up no other; what it raised is told at the end."""
    try:
        await work
    except Exception as error:
        failures.append(error)


def _key(erasure: Erasure) -> tuple[str, int]:
    return str(erasure.id), erasure.runs
