"""Tombstones in MongoDB: that somebody has left a poll, and not who."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from bson import ObjectId
from odmantic import AIOEngine
from pymongo import UpdateOne

from quickpoll.foundation.stores.mongo import Document
from quickpoll.personal.key import People
from quickpoll.personal.models import Tombstone


class Tombstones:
    """Sets them, and takes them away with their poll."""

    def __init__(self, engine: AIOEngine, people: People) -> None:
        self._tombstones = engine.get_collection(Tombstone)
        self._people = people

    async def set(self, user_id: str, voted: Mapping[str, bool], kind: str = "ballot") -> set[str]:
        """Set one on each of these polls, and note where the user has ``voted``.

        Answers the polls where there was none before. Raises a MongoDB error.
        """
        await self._people.ready()
        poll_ids, now = list(voted), datetime.now(UTC)
        upserts = [
            UpdateOne(
                {"_id": self._people.hash_of(kind, poll_id, user_id)},
                _setting(poll_id, now, voted=voted[poll_id]),
                upsert=True,
            )
            for poll_id in poll_ids
        ]
        result = await self._tombstones.bulk_write(upserts, ordered=False)
        return {poll_ids[index] for index in result.upserted_ids or {}}

    async def delete_all(self, poll_id: str) -> None:
        """Delete every tombstone of a poll."""
        await self._tombstones.delete_many({"pollId": ObjectId(poll_id)})


def _setting(poll_id: str, now: datetime, *, voted: bool) -> Document:
    new: Document = {"pollId": ObjectId(poll_id), "at": now}
    if voted:
        return {"$set": {"voted": True}, "$setOnInsert": new}
    return {"$setOnInsert": {**new, "voted": False}}
