"""Announcing deadlines. A poll is closed the moment its deadline passes, without anything having
to run; this only tells those who watch."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from odmantic import AIOEngine

from quickpoll.foundation.ending import end
from quickpoll.foundation.mongo import is_outage
from quickpoll.foundation.redis import RedisAway
from quickpoll.polls.models import Poll, open_status
from quickpoll.tallies.announcing import Announcer
from quickpoll.tallies.counters import Counters

log = structlog.get_logger(__name__)

look_seconds = 0.5
look_back = timedelta(seconds=30)
"""Deadlines that passed while no instance ran are announced if they are no older."""


class Deadlines:
    """Announces each deadline once, from whichever instance is alive."""

    def __init__(self, engine: AIOEngine, counters: Counters, announcer: Announcer) -> None:
        self._polls = engine.get_collection(Poll)
        self._counters = counters
        self._announcer = announcer
        self._announced: dict[tuple[str, int], datetime] = {}
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start looking at deadlines."""
        self._loop = asyncio.create_task(self._watch(), name="deadlines")

    async def aclose(self) -> None:
        """Stop looking."""
        if self._loop is not None:
            await end(self._loop)

    async def round(self) -> None:
        """Announce the deadlines that have passed since the last look."""
        now = datetime.now(UTC)
        passed = {"status": open_status, "closesAt": {"$gt": now - look_back, "$lte": now}}
        fields = {"closesAt": 1, "revision": 1}
        for found in await self._polls.find(passed, fields).to_list(None):
            milliseconds = int(found["closesAt"].timestamp() * 1000)
            if await self._is_first(str(found["_id"]), milliseconds, now):
                await self._announcer.announce(str(found["_id"]), "closed", found["revision"])
        self._announced = {k: at for k, at in self._announced.items() if now - at < 2 * look_back}

    async def _is_first(self, poll_id: str, deadline: int, now: datetime) -> bool:
        if (poll_id, deadline) in self._announced:
            return False
        self._announced[poll_id, deadline] = now
        key = self._counters.keys.closing(poll_id, deadline)
        try:
            seconds = 2 * int(look_back.total_seconds())
            return await self._counters.link.call("SET", key, 1, "NX", "EX", seconds) is not None
        except RedisAway:
            return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(look_seconds)
            try:
                await self.round()
            except Exception as error:
                if not is_outage(error):
                    log.exception("deadline_round_failed")
