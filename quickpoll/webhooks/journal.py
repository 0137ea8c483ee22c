"""What is about to happen to polls, noted before it happens wherever somebody wants to hear of it.

Invariants:

- An intent stands before the write that it is about. So whatever was written while somebody
  listened is found by whoever tells, whichever process dies in between.
- It says who wanted to hear of it at that moment, and under which revision to look for it; whether
  it has happened, and what the poll was like then, the poll and its history say.
- What a deletion takes away stands in its intent, and the poll is deleted only as it stands there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.errors import Unavailable
from quickpoll.foundation.stores.mongo import insert_once
from quickpoll.management.models import HistoryRow
from quickpoll.polls.models import Poll
from quickpoll.webhooks.events import CREATED, DELETED, SESSION, wanted_by
from quickpoll.webhooks.listeners import Listeners, wanting
from quickpoll.webhooks.models import Intent

CREATION: Final = "creation"
CHANGE: Final = "change"
DELETION: Final = "deletion"
OF_SESSION: Final = "session"

MOST_UNTOLD: Final = 100
"""Changes of a poll that a deletion may take with it untold."""

TOO_MUCH_UNTOLD = "What has happened to this poll is still being told; try again shortly."


class OutboxJournal:
    """Notes intents for polls and sessions that somebody listens to."""

    def __init__(self, engine: AIOEngine, listeners: Listeners) -> None:
        self._intents = engine.get_collection(Intent)
        self._polls = engine.get_collection(Poll)
        self._history = engine.get_collection(HistoryRow)
        self._listeners = listeners

    async def before_insert(self, poll: Poll) -> None:
        """Note a new poll. Raises a MongoDB error."""
        await self._note(poll.id, poll.user_id, CREATION, poll.revision, (CREATED,))

    async def before_change(self, poll: Poll, fields: dict[str, Any]) -> None:
        """Note a change that has a row in the history. Raises a MongoDB error."""
        row = fields.get("lastChange")
        if row is not None:
            wanted = wanted_by(row["change"])
            await self._note(poll.id, poll.user_id, CHANGE, poll.revision + 1, wanted)

    async def before_delete(self, poll_id: ObjectId) -> int | None:
        """Keep what a deletion takes away. Raises a MongoDB error, and
        :class:`~quickpoll.errors.Unavailable` where that is too much."""
        if not await self._listeners.any():
            return None
        poll = await self._polls.find_one({"_id": poll_id})
        if poll is None or not await self._listeners.of(poll_id, poll["userId"]):
            return None
        stash = {"poll": poll, "rows": await self._untold(poll_id)}
        await self._note(poll_id, poll["userId"], DELETION, poll["revision"] + 1, (DELETED,), stash)
        revision: int = poll["revision"]
        return revision

    async def record_session(
        self,
        session_id: ObjectId,
        user_id: ObjectId,
        data: dict[str, Any],
        at: datetime,
        webhooks: list[ObjectId],
    ) -> None:
        """Note that a session was like this from a moment on: ``data`` as it is answered, with its
        ``version``; and which webhooks are to hear of it.

        The same again changes nothing. Raises a MongoDB error.
        """
        intent = Intent(
            id=ObjectId(),
            topic=session_id,
            kind=OF_SESSION,
            revision=int(data["version"]),
            wanted=[{"type": SESSION, "webhooks": webhooks}],
            at=at,
            look_at=datetime.now(UTC),
            stash={"data": data, "owner": user_id},
        )
        await insert_once(self._intents, intent.model_dump_doc())

    async def forget_owner(self, owner_id: ObjectId) -> None:
        """Forget what was noted of a user's polls and sessions that are gone."""
        await self._intents.delete_many({"stash.owner": owner_id})

    async def _note(
        self,
        topic: ObjectId,
        owner: ObjectId,
        kind: str,
        revision: int,
        wanted: Iterable[str],
        stash: dict[str, Any] | None = None,
    ) -> None:
        listeners = await self._listeners.of(topic, owner)
        rows = wanting(listeners, wanted)
        # A deletion is noted for whoever hears of the poll at all: it takes away what is untold.
        if not rows and not (listeners and kind == DELETION):
            return
        now = datetime.now(UTC)
        intent = Intent(
            id=ObjectId(),
            topic=topic,
            kind=kind,
            revision=revision,
            wanted=rows,
            at=now,
            look_at=now,
            stash=None if stash is None else {**stash, "owner": owner},
        )
        await insert_once(self._intents, intent.model_dump_doc())

    async def _untold(self, poll_id: ObjectId) -> list[dict[str, Any]]:
        intents = await self._intents.find({"topic": poll_id}, {"revision": 1}).to_list(None)
        if not intents:
            return []
        first = min(one["revision"] for one in intents)
        rows = self._history.find({"pollId": poll_id, "revision": {"$gte": first}})
        found: list[dict[str, Any]] = await rows.limit(MOST_UNTOLD + 1).to_list(None)
        if len(found) > MOST_UNTOLD:
            raise Unavailable(TOO_MUCH_UNTOLD)
        return found
