"""Deadlines. A poll is closed the moment its deadline passes, without anything having to run; this
writes it down, and so tells those who watch."""

from __future__ import annotations

from datetime import UTC, datetime

from odmantic import AIOEngine

from quickpoll.errors import PollNotFound
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.concurrency.time_limits import LOOK_SECONDS
from quickpoll.management.changes import PollChanges
from quickpoll.polls.models import OPEN, Poll

MOST_AT_ONCE = 100


class Deadlines:
    """Closes overdue polls, from whichever instance is first: the poll's revision decides."""

    def __init__(self, engine: AIOEngine, changes: PollChanges) -> None:
        self._polls = engine.get_collection(Poll)
        self._changes = changes
        self._loop = Periodic("deadlines", LOOK_SECONDS, self.round)

    def start(self) -> None:
        """Start looking at deadlines."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop looking."""
        await self._loop.aclose()

    async def round(self) -> None:
        """Close the polls whose deadline has passed."""
        now = datetime.now(UTC)
        overdue = {"status": OPEN, "closesAt": {"$gt": datetime.fromtimestamp(0, UTC), "$lte": now}}
        found = self._polls.find(overdue, {"_id": 1}).limit(MOST_AT_ONCE)
        for poll in await found.to_list(MOST_AT_ONCE):
            try:
                await self._changes.close_overdue(str(poll["_id"]))
            except PollNotFound:
                continue  # deleted in between
