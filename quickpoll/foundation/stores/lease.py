"""A lease in MongoDB: one instance at a time does what need not be done by all. It needs no Redis.

Invariants:

- No wall clocks are compared. The holder counts up a beat; another instance takes the lease over
  by a compare-and-set when it has seen the same beat for
  :data:`~quickpoll.foundation.concurrency.time_limits.LEASE_SECONDS`, by a clock of its own.
- The holder counts from before it sent the beat, the others from after they read it, and a margin
  lies between: so it takes itself for the holder no longer than they do.

An instance that sleeps may go on with what it had begun: whatever is done under a lease must bear
being done by two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import DuplicateKeyError

from quickpoll.foundation.concurrency.time_limits import (
    LEASE_SECONDS,
    MARGIN_SECONDS,
    SETTLE_SECONDS,
)
from quickpoll.foundation.stores.mongo import Document, deadline

BEAT_SECONDS: Final = LEASE_SECONDS / 4
NOBODY: Final = ""

State = tuple[str | None, int | None]
"""The holder and its beat, as they are stored."""


class Lease:
    """The lease of this ``name`` in a collection, as one instance sees it."""

    def __init__(
        self,
        instance: str,
        leases: AsyncIOMotorCollection[Document],
        name: str,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._instance = instance
        self._leases = leases
        self._name = name
        self._clock = clock
        self._beaten_at = float("-inf")
        self._seen: tuple[State | None, float] = (None, float("-inf"))  # and since when
        self._asking = asyncio.Lock()  # of two works of one instance none takes it from the other

    @property
    def held(self) -> bool:
        """Whether this instance holds it at this moment, as far as it knows."""
        return self._clock() < self._beaten_at + LEASE_SECONDS - MARGIN_SECONDS

    async def hold(self) -> bool:
        """Keep the lease, or take it where nobody keeps it; answers whether this instance holds it.
        Between two beats that costs nothing. Raises a MongoDB error."""
        async with self._asking:
            return self._clock() - self._beaten_at < BEAT_SECONDS or await self.renew()

    async def renew(self) -> bool:
        """The same with a beat, whenever the last one was. Raises a MongoDB error."""
        began = self._clock()
        found = await self._leases.find_one({"_id": self._name})
        if found is None:
            return await self._found(began)
        state = found.get("holder"), found.get("beat")
        if state != self._seen[0]:
            self._seen = state, self._clock()
        return self._is_free(state) and await self._take(state, began)

    async def leave(self) -> None:
        """Leave the work to another instance at once. Raises a MongoDB error, soon: a stop has
        three seconds for everything."""
        self._beaten_at = float("-inf")
        mine = {"_id": self._name, "holder": self._instance}
        with deadline(SETTLE_SECONDS):
            await self._leases.update_one(mine, {"$set": {"holder": NOBODY}})

    def _is_free(self, state: State) -> bool:
        if state[0] in (None, NOBODY, self._instance):
            return True
        return self._clock() - self._seen[1] > LEASE_SECONDS + MARGIN_SECONDS

    async def _found(self, began: float) -> bool:
        try:
            await self._leases.insert_one({"_id": self._name, **self._mine(1)})
        except DuplicateKeyError:  # another instance's, or the driver's own first try
            return False
        return self._holds_since(began)

    async def _take(self, state: State, began: float) -> bool:
        holder, beat = state
        taken = await self._leases.update_one(
            {"_id": self._name, "holder": holder, "beat": beat},
            {"$set": self._mine((beat or 0) + 1)},
        )
        return bool(taken.matched_count) and self._holds_since(began)

    def _mine(self, beat: int) -> dict[str, Any]:
        return {"holder": self._instance, "beat": beat}

    def _holds_since(self, began: float) -> bool:
        self._beaten_at = began
        return True
