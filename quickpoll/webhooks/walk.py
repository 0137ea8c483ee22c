"""A walk over the open polls that somebody listens to: what the update channel may have lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.counting.reading import TallyReader
from quickpoll.counting.tally import Tally
from quickpoll.polls.models import OPEN, Poll
from quickpoll.webhooks.events import RESULTS
from quickpoll.webhooks.listeners import Listeners
from quickpoll.webhooks.results import Changed, digest_of
from quickpoll.webhooks.streams import StreamStore

AT_ONCE: Final = 200
MOST_OF_AN_OWNER: Final = 10_000
CLOCKS_APART: Final = timedelta(seconds=2)

Part = list[dict[str, Any]]


class Walk:
    """Goes on with each step, and begins again when it has seen all."""

    def __init__(
        self,
        engine: AIOEngine,
        listeners: Listeners,
        tallies: TallyReader,
        streams: StreamStore,
        changed: Changed,
    ) -> None:
        self._polls = engine.get_collection(Poll)
        self._listeners = listeners
        self._tallies = tallies
        self._streams = streams
        self._changed = changed
        self._parts: AsyncIterator[Part] | None = None

    def begin_again(self) -> None:
        """Something may have been missed: look at all of them."""
        self._parts = None

    async def step(self) -> bool:
        """Look at some polls; answers whether there are more. Raises the errors of the stores."""
        if self._parts is None:
            self._parts = self._all_parts()
        try:
            part = await anext(self._parts)
        except StopAsyncIteration:
            self._parts = None
            return False
        except Exception:
            self._parts = None
            raise
        await self._compare(part)
        return True

    async def _all_parts(self) -> AsyncIterator[Part]:
        listeners = self._listeners.of_event(RESULTS)
        if any(one.admin and one.poll_id is None for one in listeners):
            async for part in self._everything():
                yield part
            return
        named = {one.poll_id for one in listeners if one.poll_id is not None}
        for owner in {one.user_id for one in listeners if one.poll_id is None}:
            mine = self._polls.find({"userId": owner, "status": OPEN, "votedOn": True}, _FIELDS)
            found = await mine.limit(MOST_OF_AN_OWNER).to_list(None)
            for place in range(0, len(found), AT_ONCE):
                yield found[place : place + AT_ONCE]
        if named:
            yield await self._polls.find({"_id": {"$in": list(named)}}, _FIELDS).to_list(None)

    async def _everything(self) -> AsyncIterator[Part]:
        last = ObjectId("0" * 24)
        while True:
            later = self._polls.find({"_id": {"$gt": last}}, _FIELDS).sort("_id", 1)
            found = await later.limit(AT_ONCE).to_list(AT_ONCE)
            if not found:
                return
            yield [one for one in found if one["status"] == OPEN and one.get("votedOn")]
            last = found[-1]["_id"]

    async def _compare(self, part: Part) -> None:
        polls = {str(one["_id"]): one for one in part}
        if not polls:
            return
        tallies = await self._tallies.read(polls)
        told = await self._streams.many(one["_id"] for one in part)
        for poll_id, tally in tallies.items():
            poll = polls[poll_id]
            results = (told.get(poll["_id"]) or {}).get("results")
            if results is not None:
                if results["digest"] != digest_of(_counts(tally)):
                    self._changed.add([poll_id])
            elif await self._changed_since_heard(poll, tally):
                self._changed.add([poll_id])

    async def _changed_since_heard(self, poll: dict[str, Any], tally: Tally) -> bool:
        """Whether a poll of which nothing was told yet has changed since somebody listens: its
        version is the time of that, in microseconds."""
        if not (tally.voters or tally.likes):
            return False
        listeners = await self._listeners.of(poll["_id"], poll["userId"])
        since = [one.since for one in listeners if RESULTS in one.events]
        return bool(since) and tally.version / 1e6 > _seconds(min(since))


_FIELDS = {"_id": 1, "userId": 1, "status": 1, "votedOn": 1}


def _counts(tally: Tally) -> dict[str, Any]:
    return {"counts": {"likes": tally.likes, **tally.options}, "votersCount": tally.voters}


def _seconds(since: datetime) -> float:
    return (since - CLOCKS_APART).timestamp()
