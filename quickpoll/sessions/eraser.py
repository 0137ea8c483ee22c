"""Erasing the sessions of a person: they are deleted, as their owner would delete them, and then
nobody's."""

from __future__ import annotations

from datetime import UTC, datetime

from bson import ObjectId

from quickpoll.foundation.stores.mongo import Document
from quickpoll.sessions.changes import SessionChanges
from quickpoll.sessions.store import SessionStore

SOME = 20


class SessionEraser:
    """Erases a person's sessions. Each step finds by itself what is left."""

    def __init__(self, sessions: SessionStore, changes: SessionChanges) -> None:
        self._sessions = sessions
        self._changes = changes

    async def some(self, user_id: str, before: datetime | None = None) -> int:
        """Erase some sessions, of those that were created ``before`` that moment where one is
        given; answers how many were found. Raises a MongoDB error."""
        query: Document = {"userId": ObjectId(user_id)}
        if before is not None:
            query["createdAt"] = {"$lt": before}
        found = await self._sessions.some(query, SOME)
        for session in found:
            await self._changes.erase(session, datetime.now(UTC))
        return len(found)

    async def left(self, user_id: str) -> int:
        """How many there are, those that were deleted of late included."""
        return await self._sessions.count({"userId": ObjectId(user_id)})
