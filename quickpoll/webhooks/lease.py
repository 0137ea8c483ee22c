"""Which instance tells: one at a time, by a lease in MongoDB.

Invariants:

- No wall clocks are compared. The holder counts up a beat; another instance takes the lease over
  when it has seen the same beat for as long as the lease lasts, by its own monotonic clock.
- The holder counts from before it sent the beat, the others from after they read it: so it takes
  itself for the holder no longer than they do. What it has begun then, the numbers of the streams
  and the names of the deliveries keep from being told twice under two names.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import structlog
from odmantic import AIOEngine
from pymongo.errors import DuplicateKeyError, PyMongoError

from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.concurrency.time_limits import (
    LEASE_SECONDS,
    LOOK_SECONDS,
    MARGIN_SECONDS,
)
from quickpoll.webhooks.models import BOOKKEEPING

log = structlog.get_logger(__name__)

NAME = "lease"
NOBODY = ""


class Lease:
    """Held by one instance; ``on_change`` is called when this one gets or loses it."""

    def __init__(
        self, instance: str, engine: AIOEngine, clock: Callable[[], float] = monotonic
    ) -> None:
        self._instance = instance
        self._documents = engine.database[BOOKKEEPING]
        self._clock = clock
        self._until = float("-inf")
        self._seen: tuple[str, int] = (NOBODY, -1)
        self._seen_at = clock()
        self._loop = Periodic("webhook-lease", LOOK_SECONDS, self.look)

    def start(self) -> None:
        """Start looking."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop, and leave it to whoever looks next."""
        await self._loop.aclose()
        if self.held:
            self._until = float("-inf")
            with suppress(PyMongoError):
                await self._take(*self._seen, holder=NOBODY)

    @property
    def held(self) -> bool:
        """Whether this instance may tell at this moment."""
        return self._clock() < self._until

    async def look(self) -> None:
        """Keep the lease, or take it where nobody keeps it. Raises a MongoDB error."""
        began = self._clock()
        document = await self._documents.find_one({"_id": NAME})
        if document is None:
            with suppress(DuplicateKeyError):
                await self._documents.insert_one({"_id": NAME, "holder": NOBODY, "beat": 0})
            return
        there = (document["holder"], document["beat"])
        if there != self._seen:
            self._seen, self._seen_at = there, self._clock()
        if not self._is_free(there[0]) or not await self._take(*there, holder=self._instance):
            return
        if not self.held:
            log.info("webhooks_lease_taken", instance=self._instance)
        self._seen = (self._instance, there[1] + 1)
        self._until = began + LEASE_SECONDS - MARGIN_SECONDS

    def _is_free(self, holder: str) -> bool:
        if holder in (NOBODY, self._instance):
            return True
        return self._clock() - self._seen_at > LEASE_SECONDS + MARGIN_SECONDS

    async def _take(self, holder_before: str, beat: int, *, holder: str) -> bool:
        result = await self._documents.update_one(
            {"_id": NAME, "holder": holder_before, "beat": beat},
            {"$set": {"holder": holder, "beat": beat + 1}},
        )
        return bool(result.matched_count)
