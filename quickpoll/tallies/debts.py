"""Polls that were written to while Redis could not be told: kept in MongoDB until recounted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bson import ObjectId
from pymongo import UpdateOne

from quickpoll.foundation.mongo import Database

collection_name = "uncounted"


class Debts:
    """What this instance owes Redis, and, durably, what all instances owe it.

    A note is written before the votes are, with the time until which they may still arrive, so
    that no crash of an instance forgets it.
    """

    def __init__(self, database: Database) -> None:
        self._notes = database[collection_name]
        self._owed: set[str] = set()

    async def note(self, poll_ids: Iterable[str], seconds: float) -> None:
        """Note that these polls are written to, for at most ``seconds`` from now."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        notes = [
            UpdateOne({"_id": ObjectId(i)}, {"$max": {"until": until}}, upsert=True)
            for i in poll_ids
        ]
        if notes:
            await self._notes.bulk_write(notes, ordered=False)

    def owe(self, poll_ids: Iterable[str]) -> set[str]:
        """Remember polls whose counts Redis must give up as soon as it is back."""
        owed = set(poll_ids)
        self._owed |= owed
        return owed

    def take_owed(self) -> set[str]:
        """The polls that this instance owes; the caller settles them or owes them again."""
        owed, self._owed = self._owed, set()
        return owed

    async def ripe(self, limit: int = 200) -> list[tuple[str, datetime]]:
        """Noted polls whose writes have all ended, one way or the other."""
        past = {"until": {"$lt": datetime.now(UTC)}}
        found = await self._notes.find(past).limit(limit).to_list(limit)
        return [(str(note["_id"]), note["until"]) for note in found]

    async def settle(self, poll_id: str, until: datetime) -> None:
        """Forget a note, unless it has been renewed."""
        await self._notes.delete_one({"_id": ObjectId(poll_id), "until": until})
