"""Which instance tells and sends: one at a time, which keeps the lease as long as it lives.

What it has begun when it loses it, the numbers of the streams and the names of the deliveries keep
from being told twice under two names.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import structlog
from odmantic import AIOEngine
from pymongo.errors import PyMongoError

from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.concurrency.time_limits import LOOK_SECONDS
from quickpoll.foundation.stores.lease import Lease
from quickpoll.webhooks.models import BOOKKEEPING

log = structlog.get_logger(__name__)

NAME = "lease"


class OutboxLease(Lease):
    """A lease that is kept by a loop."""

    def __init__(
        self, instance: str, engine: AIOEngine, clock: Callable[[], float] = monotonic
    ) -> None:
        super().__init__(instance, engine.database[BOOKKEEPING], NAME, clock)
        self._loop = Periodic("webhook-lease", LOOK_SECONDS, self.look)

    def start(self) -> None:
        """Start looking."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop, and leave it to whoever looks next."""
        await self._loop.aclose()
        if self.held:
            with suppress(PyMongoError):
                await self.leave()

    async def look(self) -> None:
        """Keep it, or take it where nobody keeps it. Raises a MongoDB error."""
        before = self.held
        if await self.renew() and not before:
            log.info("webhooks_lease_taken", instance=self._instance)
