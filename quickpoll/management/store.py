"""The history of polls, and their deletion, in MongoDB."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.foundation.concurrency.time_limits import MARK_SECONDS
from quickpoll.management.models import Deletion, HistoryRow
from quickpoll.polls.models import Poll

MOST_AT_ONCE = 100

SWEEPS_SECONDS = (*[3.5] * 17, 600.0, 3600.0)
"""Between the sweeps of a deletion: a write that comes along a stalled wire leaves nothing. Within
the first minute it is gone in less than five seconds."""


class HistoryStore:
    """Rows of the history. The latest row is part of the poll's own document, so a change and
    its row are one write; it moves here before the next change."""

    def __init__(self, engine: AIOEngine) -> None:
        self._changes = engine.get_collection(HistoryRow)

    async def keep_last(self, poll: Poll) -> None:
        """Move the poll's latest row here; doing so twice changes nothing."""
        if poll.last_change is None:
            return
        row = dict(poll.last_change)
        key = {"pollId": poll.id, "revision": row.pop("revision")}
        await self._changes.update_one(key, {"$setOnInsert": row}, upsert=True)

    async def rows(self, poll: Poll) -> list[dict[str, Any]]:
        """All rows of a poll, oldest first."""
        found = await self._changes.find({"pollId": poll.id}).sort("revision", 1).to_list(None)
        last = poll.last_change
        if last is not None and all(row["revision"] != last["revision"] for row in found):
            found.append(last)
        return found

    async def delete_all(self, poll_id: str) -> None:
        """Delete every row of a poll."""
        await self._changes.delete_many({"pollId": ObjectId(poll_id)})


class DeletionStore:
    """Polls on their way out: noted first, so that a crash leaves no half of one behind."""

    def __init__(self, engine: AIOEngine) -> None:
        self._deletions = engine.get_collection(Deletion)
        self._polls = engine.get_collection(Poll)

    async def note(self, deletion: Deletion) -> None:
        """Note that a poll is to be deleted; it is swept when writes under way have ended."""
        fields = deletion.model_dump_doc() | {"at": _in(MARK_SECONDS)}
        key = {"_id": fields.pop("_id")}
        await self._deletions.update_one(key, {"$set": fields}, upsert=True)

    async def due(self) -> list[Deletion]:
        """Deletions whose next sweep has come."""
        past = {"at": {"$lt": datetime.now(UTC)}}
        found = await self._deletions.find(past).limit(MOST_AT_ONCE).to_list(MOST_AT_ONCE)
        return [Deletion.model_validate_doc(document) for document in found]

    async def is_void(self, deletion: Deletion) -> bool:
        """Whether the poll is there and was changed since: its owner was told that it lives."""
        poll = await self._polls.find_one({"_id": deletion.id}, {"revision": 1})
        return poll is not None and poll["revision"] > deletion.revision > 0

    async def announced(self, deletion: Deletion) -> None:
        """Everybody has heard of it."""
        same = {"_id": deletion.id, "revision": deletion.revision}
        await self._deletions.update_one(same, {"$set": {"announced": True}})

    async def swept(self, deletion: Deletion) -> None:
        """Sweep it again later, and at last no more."""
        if deletion.sweeps >= len(SWEEPS_SECONDS):
            await self.forget(deletion)
            return
        later = _in(SWEEPS_SECONDS[deletion.sweeps])
        fields = {"at": later, "sweeps": deletion.sweeps + 1}
        await self._deletions.update_one(_as_read(deletion), {"$set": fields})

    async def forget(self, deletion: Deletion) -> None:
        """Forget a deletion, and not one that was noted since it was read."""
        await self._deletions.delete_one(_as_read(deletion))


def _as_read(deletion: Deletion) -> dict[str, Any]:
    return {"_id": deletion.id, "at": deletion.at}


def _in(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
