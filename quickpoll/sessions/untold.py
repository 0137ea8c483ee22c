"""What webhooks have not been told of sessions yet.

Invariants:

- What is to be told of a change stands in the session's document, and gets there by the very write
  that changes it: so there is no moment at which an instance may die and only one of the two is
  there.
- It is taken out when whoever tells has it, and given once more where that is not known: the same
  session and version again is no news.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.models import NOBODY
from quickpoll.sessions.bodies import fields_of
from quickpoll.sessions.models import Session

SOME = 100
"""Sessions whose changes are passed on in one go."""


class Record(Protocol):
    """Takes what a session was like, as it is answered, from a moment on, and which webhooks are to
    hear of it. Raises a MongoDB error."""

    def __call__(
        self,
        session_id: ObjectId,
        user_id: ObjectId,
        data: dict[str, Any],
        at: datetime,
        webhooks: list[ObjectId],
    ) -> Awaitable[None]: ...


def note_of(session: Session, changed: Document, webhooks: Sequence[ObjectId]) -> Document:
    """What is to be told of a change of some fields of a session. It names no person: whose the
    session is, its document says, until that is erased."""
    revision = session.revision + 1
    document = {**session.model_dump_doc(), **changed, "revision": revision}
    data = fields_of(Session.model_validate_doc(document))
    return {
        "revision": revision,
        "at": datetime.now(UTC),
        "data": {**data, "userId": None},
        "webhooks": list(webhooks),
    }


class UntoldChanges:
    """Finds what was not told, and passes it on."""

    def __init__(self, engine: AIOEngine) -> None:
        self._sessions = engine.get_collection(Session)

    async def pass_on(self, record: Record) -> None:
        """Hand everything to ``record``, in the order of each session. Raises a MongoDB error."""
        wanted = self._sessions.find({"untold.revision": {"$gt": 0}}).limit(SOME)
        for document in await wanted.to_list(SOME):
            await self._pass_on(Session.model_validate_doc(document), record)

    async def _pass_on(self, session: Session, record: Record) -> None:
        for note in session.untold:
            if session.user_id != NOBODY:
                data = {**note["data"], "userId": str(session.user_id)}
                await record(session.id, session.user_id, data, note["at"], note["webhooks"])
        passed = {"revision": {"$lte": session.untold[-1]["revision"]}}
        await self._sessions.update_one({"_id": session.id}, {"$pull": {"untold": passed}})
