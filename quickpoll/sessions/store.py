"""Sessions in MongoDB. Each change compares the revision, and one write decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.errors import NotFound
from quickpoll.foundation.stores.bulk_writes import change_once
from quickpoll.foundation.stores.mongo import Document, insert_once
from quickpoll.polls.models import NOBODY
from quickpoll.sessions.models import Session
from quickpoll.sessions.untold import note_of

NO_SESSION = "There is no such session."


class SessionStore:
    """Reads and writes sessions."""

    def __init__(self, engine: AIOEngine) -> None:
        self._sessions = engine.get_collection(Session)

    async def get(self, session_id: str) -> Session:
        """A session as it is now. Raises :class:`~quickpoll.errors.NotFound`."""
        session = await self.known(session_id)
        if session is None or session.deleted_at is not None:
            raise NotFound(NO_SESSION)
        return session

    async def known(self, session_id: str) -> Session | None:
        """A session, also one that was deleted not long ago."""
        return (await self.known_many([session_id])).get(session_id)

    async def known_many(self, session_ids: Iterable[str]) -> dict[str, Session]:
        """Those of the sessions that there are, or were not long ago."""
        wanted = {"_id": {"$in": [ObjectId(one) for one in session_ids]}}
        rows = await self._sessions.find(wanted).to_list(None)
        return {str(row["_id"]): Session.model_validate_doc(row) for row in rows}

    async def versions(self, session_ids: Iterable[str]) -> dict[str, int]:
        """The versions of those of the sessions that there are, or were not long ago."""
        wanted = {"_id": {"$in": [ObjectId(one) for one in session_ids]}}
        rows = await self._sessions.find(wanted, {"revision": 1}).to_list(None)
        return {str(row["_id"]): row["revision"] for row in rows}

    async def of_user(
        self, user_id: str, behind: tuple[datetime, ObjectId] | None, most: int
    ) -> list[Session]:
        """A user's own sessions, newest first, ``behind`` a place of that list."""
        wanted: dict[str, Any] = {"userId": ObjectId(user_id), "deletedAt": None}
        if behind is not None:
            created_at, last = behind
            wanted["$or"] = [
                {"createdAt": {"$lt": created_at}},
                {"createdAt": created_at, "_id": {"$lt": last}},
            ]
        rows = self._sessions.find(wanted).sort([("createdAt", -1), ("_id", -1)]).limit(most)
        return [Session.model_validate_doc(row) for row in await rows.to_list(most)]

    async def with_poll(self, poll_id: str) -> list[Session]:
        """The sessions that a poll is in."""
        wanted = {"pollIds": ObjectId(poll_id), "deletedAt": None}
        rows = await self._sessions.find(wanted).to_list(None)
        return [Session.model_validate_doc(row) for row in rows]

    async def some(self, query: Document, most: int) -> list[Session]:
        """Some sessions, deleted ones included."""
        rows = await self._sessions.find(query).limit(most).to_list(most)
        return [Session.model_validate_doc(row) for row in rows]

    async def count(self, query: Document) -> int:
        """How many sessions there are, deleted ones included."""
        return await self._sessions.count_documents(query)

    async def disown(self, session_id: ObjectId) -> None:
        """Make a deleted session nobody's, of which nobody is told any more."""
        nobodys = {"userId": NOBODY, "untold": []}
        await self._sessions.update_one({"_id": session_id}, {"$set": nobodys})

    async def holds(self, session_id: str, poll_id: str) -> bool:
        """Whether a poll is in a session."""
        wanted = {"_id": ObjectId(session_id), "pollIds": ObjectId(poll_id), "deletedAt": None}
        return await self._sessions.find_one(wanted, {"_id": 1}) is not None

    async def insert(self, session: Session) -> bool:
        """Store a new session; answers whether it was not there."""
        return await insert_once(self._sessions, session.model_dump_doc())

    async def is_unchanged(self, session: Session) -> bool:
        """Whether a session is there, and has not been changed since it was as it is here."""
        wanted = {"_id": session.id, "deletedAt": None, "revision": session.revision}
        return await self._sessions.find_one(wanted, {"_id": 1}) is not None

    async def take_out(self, session: Session) -> None:
        """Take a session out that nobody has been told of."""
        await self._sessions.delete_one({"_id": session.id, "revision": session.revision})

    async def change(
        self, session: Session, fields: dict[str, Any], webhooks: Sequence[ObjectId] = ()
    ) -> Session | None:
        """Set fields of a session that is still at this revision, and note that these ``webhooks``
        are to hear of it.

        Answers it as it then is (or has become since), ``None`` where it was not.
        """
        expected = {"_id": session.id, "revision": session.revision, "deletedAt": None}
        change: Document = {"$set": fields}
        if webhooks:
            change["$push"] = {"untold": note_of(session, fields, webhooks)}
        if not await change_once(self._sessions, expected, change):
            return None
        return await self.known(str(session.id))
