"""Looks at both stores every few seconds: whether they serve us, and what time they have.

Deadlines of polls go by our clock, deadlines of writes and the versions of counts by Redis': clocks
that differ make them wrong, and nothing else notices. What is measured is the store's time against
ours in the middle of the question, and it may be wrong by half of what the answer took; so much is
taken off before anybody is warned. (Cristian, *Probabilistic clock synchronization*, 1989.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import time
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.observability.once import Once
from quickpoll.foundation.stores.mongo import Client, deadline, is_outage
from quickpoll.foundation.stores.mongo_trouble import MongoTrouble
from quickpoll.foundation.stores.redis import RedisAway, RedisLink

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
ANSWER_SECONDS = 1.0
MOST_SKEW_SECONDS = 1.0
"""By how much a clock may differ from ours before somebody is told."""


class StoreWatch:
    """``skews``: the stores' clocks against ours, in seconds, as far as is known; positive where
    theirs is ahead. ``clock`` is ours (seconds since 1970)."""

    def __init__(
        self,
        client: Client,
        link: RedisLink,
        trouble: MongoTrouble,
        clock: Callable[[], float] = time,
    ) -> None:
        self.clock = clock
        self.skews: dict[str, float] = {}
        self._sure: dict[str, float] = {}
        self._client = client
        self._link = link
        self._trouble = trouble
        self._once = Once()
        self._loop = Periodic("store-watch", LOOK_SECONDS, self.look, at_once=True)

    @property
    def clocks_differ(self) -> bool:
        """Whether a clock certainly differs from ours by more than is good."""
        return any(sure > MOST_SKEW_SECONDS for sure in self._sure.values())

    def start(self) -> None:
        """Start to look."""
        self._loop.start()

    async def aclose(self) -> None:
        """Look no more."""
        await self._loop.aclose()

    async def look(self) -> None:
        """Look at both once. Raises nothing for what a store does."""
        await self._look_at_mongo()
        try:
            await self._measure("redis", self._time_of_redis)
        except RedisAway:
            self._forget("redis")

    async def _look_at_mongo(self) -> None:
        try:
            with deadline(ANSWER_SECONDS):
                await self._measure("mongodb", self._time_of_mongo)
        except PyMongoError as error:
            self._forget("mongodb")
            if is_outage(error):
                self._trouble.met(error)
        else:
            self._trouble.answered()

    async def _measure(self, store: str, ask: Callable[[], Awaitable[float | None]]) -> None:
        before = self.clock()
        theirs = await ask()
        after = self.clock()
        if theirs is None:
            self._forget(store)
            return
        skew = theirs - (before + after) / 2
        self.skews[store] = skew
        self._sure[store] = abs(skew) - (after - before) / 2
        if self._sure[store] > MOST_SKEW_SECONDS and self._once.say(store) is not None:
            detail = "deadlines and versions go wrong: are all clocks kept by NTP?"
            log.warning("clocks_differ", store=store, ahead_seconds=round(skew, 3), detail=detail)

    async def _time_of_mongo(self) -> float | None:
        said: Mapping[str, Any] = await self._client.admin.command("hello")
        told = said.get("localTime")
        if not isinstance(told, datetime):
            return None
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()

    async def _time_of_redis(self) -> float:
        seconds, microseconds = await self._link.call("TIME")
        return int(seconds) + int(microseconds) / 1e6

    def _forget(self, store: str) -> None:
        self.skews.pop(store, None)
        self._sure.pop(store, None)
