"""``API_RETENTION_DAYS``: polls that have been closed for longer lose the link between people and
ballots.

Invariants:

- The poll says first that its links are being cut, as a change that every instance goes by: it is
  not opened again, since nobody could tell any more who has voted.
- The choice on a ballot, and so every count, stays: nothing but the owner changes.
- Small steps with a rest after each, by whichever instance holds the lease. Each finds by itself
  what is left, so one that was killed is gone on with.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from odmantic import AIOEngine
from prometheus_client import Counter

from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.stores.lease import Lease
from quickpoll.management.quiet_changes import QuietChanges
from quickpoll.personal.tombstones import Tombstones
from quickpoll.polls.models import CLOSED, Links, Poll
from quickpoll.votes.store import VoteStore

log = structlog.get_logger(__name__)

unlinked = Counter("quickpoll_ballots_unlinked_total", "Ballots that belong to nobody any more")

LOOK_SECONDS = 60.0
"""Between two looks for polls whose time has come."""

POLLS_AT_ONCE = 20
BALLOTS_AT_ONCE = 200
REST_SECONDS = 0.05
"""After each step, so that nobody who votes notices."""


class Retention:
    """Cuts the links of polls that have been closed for too long."""

    def __init__(
        self,
        engine: AIOEngine,
        days: int | None,
        votes: VoteStore,
        tombstones: Tombstones,
        changes: QuietChanges,
        lease: Lease,
    ) -> None:
        self._polls = engine.get_collection(Poll)
        self._kept = None if days is None else timedelta(days=days)
        self._votes = votes
        self._tombstones = tombstones
        self._changes = changes
        self._lease = lease
        self._up_to = datetime.fromtimestamp(0, UTC)  # polls closed before this are done
        self._loop = Periodic("retention", LOOK_SECONDS, self.round)

    def start(self) -> None:
        """Start to look, where there is a retention."""
        if self._kept is not None:
            self._loop.start()

    async def aclose(self) -> None:
        """Stop; another instance goes on."""
        await self._loop.aclose()

    async def round(self, now: datetime | None = None) -> None:
        """Cut the links of all polls whose time has come. Raises a MongoDB error."""
        if self._kept is None:
            return
        until = (now or datetime.now(UTC)) - self._kept
        polls = ballots = 0
        while await self._lease.hold() and (due := await self._due(until)):
            for poll_id, closed_at in due:
                ballots += await self._cut(poll_id)
                self._up_to = closed_at
            polls += len(due)
        if polls:
            log.info("ballots_unlinked", polls=polls, ballots=ballots)

    async def _due(self, until: datetime) -> list[tuple[str, datetime]]:
        query = {
            "status": CLOSED,
            "closedAt": {"$gte": self._up_to, "$lt": until},
            "links": {"$ne": Links.CUT},
        }
        found = self._polls.find(query, {"closedAt": 1}).sort("closedAt", 1).limit(POLLS_AT_ONCE)
        return [(str(one["_id"]), one["closedAt"]) for one in await found.to_list(POLLS_AT_ONCE)]

    async def _cut(self, poll_id: str) -> int:
        """Cut the links of one poll; answers how many ballots that were."""
        if not await self._changes.set_links(poll_id, Links.CUTTING):
            return 0  # opened again, or deleted, in between
        cut = 0
        async for ids in self._votes.linked(poll_id, BALLOTS_AT_ONCE):
            cut += await self._votes.unlink(ids)
            await asyncio.sleep(REST_SECONDS)
        unlinked.inc(cut)
        await self._tombstones.delete_all(poll_id)
        await self._changes.set_links(poll_id, Links.CUT)
        return cut
