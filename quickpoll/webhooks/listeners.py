"""Who listens: the active webhooks, in the memory of every instance.

Invariants:

- A change of a poll that begins after a webhook was answered finds it: every instance looks several
  times a second whether webhooks have changed, one that could not look for
  :data:`STALE_SECONDS` asks before it goes on, and a change of a webhook is answered only when
  every memory that lacks it is stale.
- So a poll that nobody listens to pays nothing but a look in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.concurrency.time_limits import MARGIN_SECONDS
from quickpoll.webhooks.models import ACTIVE, BOOKKEEPING, Webhook

NAME = "listeners"
LOOK_SECONDS = 0.1
STALE_SECONDS = 0.35
RELOAD_SECONDS = 5.0
"""When all are read again, whatever the number says: an instance may have died before it could
count its change."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An active webhook: what it wants to hear, of whose polls."""

    id: ObjectId
    user_id: ObjectId
    poll_id: ObjectId | None
    admin: bool
    events: frozenset[str]
    since: datetime

    def hears_of(self, topic: ObjectId, owner: ObjectId) -> bool:
        """Whether it is told of this poll or session: of its owner's own, an administrator's of
        all; of one poll alone where it names one."""
        if self.poll_id is not None and self.poll_id != topic:
            return False
        return self.admin or self.user_id == owner


class Listeners:
    """The webhooks that are active now."""

    def __init__(self, engine: AIOEngine, clock: Callable[[], float] = monotonic) -> None:
        self._webhooks = engine.get_collection(Webhook)
        self._documents = engine.database[BOOKKEEPING]
        self._clock = clock
        self._known: list[Listener] = []
        self._number: int | None = -1
        self._loaded_at = self._looked_at = float("-inf")
        self._loop = Periodic("webhook-listeners", LOOK_SECONDS, self.look)

    def start(self) -> None:
        """Start looking."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop looking."""
        await self._loop.aclose()

    async def any(self) -> bool:
        """Whether anybody listens to anything. Raises a MongoDB error."""
        if self._clock() - self._looked_at > STALE_SECONDS:
            await self.look()
        return bool(self._known)

    async def of(self, topic: ObjectId, owner: ObjectId) -> list[Listener]:
        """Whoever is told of this poll or session. Raises a MongoDB error."""
        if not await self.any():
            return []
        return [one for one in self._known if one.hears_of(topic, owner)]

    def of_event(self, kind: str) -> list[Listener]:
        """Whoever wants to hear of events of this kind, as far as is known."""
        return [one for one in self._known if kind in one.events]

    async def look(self) -> None:
        """See whether webhooks have changed. Raises a MongoDB error."""
        began = self._clock()
        counted = await self._documents.find_one({"_id": NAME})
        number = counted["number"] if counted else None
        if number != self._number or began - self._loaded_at > RELOAD_SECONDS:
            self._known = await self._load()
            self._number, self._loaded_at = number, began
        self._looked_at = began

    async def changed(self) -> None:
        """A webhook was changed: wait until every instance goes by it. Raises a MongoDB error."""
        await self.count()
        await asyncio.sleep(STALE_SECONDS + MARGIN_SECONDS)
        await self.look()

    async def count(self) -> None:
        """A webhook was changed: every instance goes by it soon. Raises a MongoDB error."""
        await self._documents.update_one({"_id": NAME}, {"$inc": {"number": 1}}, upsert=True)

    async def _load(self) -> list[Listener]:
        found = await self._webhooks.find({"status": ACTIVE}, {"secret": 0, "url": 0}).to_list(None)
        return [_listener(one) for one in found]


def wanting(listeners: Iterable[Listener], kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Who wants which of these kinds of event, as an intent keeps it."""
    found = [(kind, [one.id for one in listeners if kind in one.events]) for kind in kinds]
    return [{"type": kind, "webhooks": ids} for kind, ids in found if ids]


def _listener(found: dict[str, Any]) -> Listener:
    return Listener(
        found["_id"],
        found["userId"],
        found.get("pollId"),
        found.get("admin", False),
        frozenset(found["events"]),
        found["since"],
    )
