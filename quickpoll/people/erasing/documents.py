"""Erasing documents on which nothing else depends, as their rooms declare them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bson import ObjectId

from quickpoll.foundation.stores.holdings import Fate, Holding
from quickpoll.foundation.stores.mongo import Database
from quickpoll.people.erasing import SOME


class DocumentEraser:
    """Erases what one collection holds of a person: documents, or the fields that name them."""

    def __init__(self, database: Database, holding: Holding) -> None:
        self._documents = database[holding.collection]
        self._holding = holding

    async def some(self, user_id: str, before: datetime | None = None) -> int:
        """Erase some documents; answers how many were found. Raises a MongoDB error."""
        user = ObjectId(user_id)
        found = self._documents.find(self._holding.of(user, before), {"_id": 1}).limit(SOME)
        ids = [one["_id"] for one in await found.to_list(SOME)]
        if not ids:
            return 0
        these = {"_id": {"$in": ids}}
        if self._holding.fate is Fate.DELETED:
            await self._documents.delete_many(these)
        else:
            for field in self._holding.fields:
                await self._documents.update_many({**these, field: user}, {"$set": {field: None}})
        return len(ids)

    async def left(self, user_id: str) -> int:
        """How many there are."""
        return await self._documents.count_documents(self._holding.of(ObjectId(user_id)))


def document_erasers(database: Database, holdings: Iterable[Holding]) -> tuple[DocumentEraser, ...]:
    """One for each collection whose documents, or names in them, simply go."""
    simple = (one for one in holdings if one.fate in (Fate.DELETED, Fate.NAMELESS))
    return tuple(DocumentEraser(database, one) for one in simple)
