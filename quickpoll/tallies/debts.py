"""Polls that were written to while Redis could not be told: kept in MongoDB until recounted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from bson import ObjectId
from pymongo import UpdateOne

from quickpoll.foundation.mongo import Database

collection_name = "uncounted"

split_seconds = 60.0
"""How long a Redis that was replaced may have gone on answering those who could reach it: more
than the settings in ``docs/operations.md`` let it."""


@dataclass(slots=True)
class Debt:
    """What Redis is to be told about one poll: that these batches have ended, and whether some
    of their writes may still land."""

    tokens: set[str] = field(default_factory=set)
    unsure: bool = False


class Debts:
    """What this instance owes Redis, and, durably, what all instances owe it.

    A note is written before the votes are, with the time until which they may still arrive, so
    that no crash of an instance forgets it. Notes are judged by the instances' clocks, which
    must agree within a second or so.
    """

    def __init__(self, database: Database) -> None:
        self._notes = database[collection_name]
        self._owed: dict[str, Debt] = {}
        self._told: dict[str, float] = {}

    async def note(self, poll_ids: Iterable[str], seconds: float) -> None:
        """Note that these polls are written to, for at most ``seconds`` from now."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        notes = [
            UpdateOne({"_id": ObjectId(i)}, {"$max": {"until": until}}, upsert=True)
            for i in poll_ids
        ]
        if notes:
            await self._notes.bulk_write(notes, ordered=False)

    def owe(self, poll_ids: Iterable[str], token: str = "", *, unsure: Iterable[str] = ()) -> None:
        """Remember polls whose counts Redis must give up as soon as it is back."""
        doubtful = set(unsure)
        for poll_id in poll_ids:
            debt = self._owed.setdefault(poll_id, Debt())
            debt.unsure |= poll_id in doubtful
            if token:
                debt.tokens.add(token)

    def told(self, poll_ids: Iterable[str]) -> None:
        """Remember for a while which polls the present Redis has heard something of."""
        now = monotonic()
        for poll_id in poll_ids:
            self._told.pop(poll_id, None)
            self._told[poll_id] = now
        while (oldest := next(iter(self._told), "")) and self._told[oldest] < now - split_seconds:
            del self._told[oldest]

    def owe_what_was_told(self) -> None:
        """Another Redis has taken over: owe it all that only the one before may have heard."""
        self.owe(self._told)
        self._told.clear()

    def take_owed(self) -> dict[str, Debt]:
        """The polls that this instance owes; the caller settles them or owes them again."""
        owed, self._owed = self._owed, {}
        return owed

    def owe_again(self, owed: dict[str, Debt]) -> None:
        """Put back what could not be settled."""
        for poll_id, debt in owed.items():
            present = self._owed.setdefault(poll_id, Debt())
            present.tokens |= debt.tokens
            present.unsure |= debt.unsure

    async def noted(self, limit: int = 5000) -> list[str]:
        """Noted polls, whether their writes have ended or not."""
        found = await self._notes.find({}, {"_id": 1}).limit(limit).to_list(limit)
        return [str(note["_id"]) for note in found]

    async def is_noted(self, poll_id: str) -> bool:
        """Whether some instance has written to the poll without telling Redis."""
        return await self._notes.find_one({"_id": ObjectId(poll_id)}) is not None

    async def ripe(self, limit: int = 200) -> list[tuple[str, datetime]]:
        """Noted polls whose writes have all ended, one way or the other."""
        past = {"until": {"$lt": datetime.now(UTC)}}
        found = await self._notes.find(past).limit(limit).to_list(limit)
        return [(str(note["_id"]), note["until"]) for note in found]

    async def settle(self, poll_id: str, until: datetime) -> None:
        """Forget a note, unless it has been renewed."""
        await self._notes.delete_one({"_id": ObjectId(poll_id), "until": until})
