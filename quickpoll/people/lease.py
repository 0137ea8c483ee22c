"""A lease in MongoDB: one instance at a time does what need not be done by all.

No two clocks are compared. Whoever holds it says so again and again by a number that grows; who has
seen the same number for :data:`~quickpoll.foundation.concurrency.time_limits.LEASE_SECONDS`, by a
clock of its own, takes it over by a compare-and-set. Unlike the reconciler's it needs no Redis.

An instance that sleeps meanwhile may believe for a moment that it still holds it: whatever is done
under the lease must bear being done by two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from pymongo.errors import DuplicateKeyError

from quickpoll.foundation.concurrency.time_limits import LEASE_SECONDS
from quickpoll.foundation.stores.mongo import Database

COLLECTION = "lease"
NAME = "people"
BEAT_SECONDS = LEASE_SECONDS / 4


class Lease:
    """The lease as one instance sees it."""

    def __init__(
        self, instance: str, database: Database, clock: Callable[[], float] = monotonic
    ) -> None:
        self._instance = instance
        self._leases = database[COLLECTION]
        self._clock = clock
        self._seen: tuple[Any, float] = (None, float("-inf"))  # the last state, and since when
        self._beaten_at = float("-inf")
        self._asking = asyncio.Lock()  # of two works of one instance none takes it from the other

    async def hold(self) -> bool:
        """Whether this instance holds it, for a while. Raises a MongoDB error."""
        async with self._asking:
            return self._clock() - self._beaten_at < BEAT_SECONDS or await self._ask()

    async def _ask(self) -> bool:
        found = await self._leases.find_one({"_id": NAME})
        if found is None:
            return await self._found()
        state = found["holder"], found["beat"]
        if found["holder"] != self._instance and not self._is_over(state):
            return False
        return await self._take(state)

    async def leave(self) -> None:
        """Leave the work to another instance at once. Raises a MongoDB error."""
        self._beaten_at = float("-inf")
        await self._leases.delete_one({"_id": NAME, "holder": self._instance})

    def _is_over(self, state: Any) -> bool:
        if state != self._seen[0]:
            self._seen = state, self._clock()
        return self._clock() - self._seen[1] > LEASE_SECONDS

    async def _found(self) -> bool:
        try:
            await self._leases.insert_one({"_id": NAME, "holder": self._instance, "beat": 1})
        except DuplicateKeyError:
            return False
        return self._held()

    async def _take(self, state: tuple[str, int]) -> bool:
        holder, beat = state
        taken = await self._leases.update_one(
            {"_id": NAME, "holder": holder, "beat": beat},
            {"$set": {"holder": self._instance, "beat": beat + 1}},
        )
        return bool(taken.matched_count) and self._held()

    def _held(self) -> bool:
        self._beaten_at = self._clock()
        return True
