"""The history of polls, and their deletion, in MongoDB."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.management.models import Deletion, PollChange
from quickpoll.polls.models import Poll


class HistoryStore:
    """Rows of the history. The latest row is part of the poll's own document, so a change and
    its row are one write; it moves here before the next change."""

    def __init__(self, engine: AIOEngine) -> None:
        self._changes = engine.get_collection(PollChange)

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

    async def note(self, poll: Poll) -> None:
        """Note that a poll is to be deleted."""
        options = [option.id for option in poll.options]
        fields = {"optionIds": options, "at": datetime.now(UTC)}
        await self._deletions.update_one({"_id": poll.id}, {"$set": fields}, upsert=True)

    async def ripe(self, seconds: float) -> list[tuple[str, list[str]]]:
        """Deletions old enough that no vote on these polls can still be under way."""
        before = datetime.now(UTC) - timedelta(seconds=seconds)
        found = await self._deletions.find({"at": {"$lt": before}}).limit(100).to_list(None)
        return [(str(one["_id"]), [str(i) for i in one["optionIds"]]) for one in found]

    async def done(self, poll_id: str) -> None:
        """Forget a deletion."""
        await self._deletions.delete_one({"_id": ObjectId(poll_id)})
