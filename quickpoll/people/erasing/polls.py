"""Erasing that polls are somebody's: those on which nobody else has voted go, the others become
nobody's; and changes of others' polls become nobody's."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.errors import PollNotFound
from quickpoll.foundation.concurrency.at_once import some_at_once
from quickpoll.foundation.stores.mongo import Document
from quickpoll.management.deletion import PollDeletion
from quickpoll.management.quiet_changes import QuietChanges
from quickpoll.people.erasing import AT_ONCE, SOME
from quickpoll.polls.holdings import changed_by
from quickpoll.polls.models import Poll
from quickpoll.votes.store import VoteStore


class PollEraser:
    """Erases a person from polls."""

    def __init__(
        self, engine: AIOEngine, votes: VoteStore, changes: QuietChanges, deletion: PollDeletion
    ) -> None:
        self._polls = engine.get_collection(Poll)
        self._votes = votes
        self._changes = changes
        self._deletion = deletion

    async def some(self, user_id: str, before: datetime | None = None) -> int:
        """Let some polls go; answers how many were found. Raises a MongoDB error."""
        own, changed = _queries(user_id, before)
        owned, others = await self._find(own), await self._find(changed)
        await some_at_once((self._let_go(poll_id, user_id) for poll_id in owned), AT_ONCE)
        await some_at_once((self._changes.disown(i, user_id) for i in others), AT_ONCE)
        return len(owned) + len(others)

    async def left(self, user_id: str) -> int:
        """How many there are."""
        return sum([await self._polls.count_documents(one) for one in _queries(user_id, None)])

    async def _let_go(self, poll_id: str, user_id: str) -> None:
        if await self._votes.has_others(poll_id, user_id):
            await self._changes.disown(poll_id, user_id)
            return
        with suppress(PollNotFound):
            await self._deletion.remove(poll_id)

    async def _find(self, query: Document) -> list[str]:
        found = await self._polls.find(query, {"_id": 1}).limit(SOME).to_list(SOME)
        return [str(one["_id"]) for one in found]


def _queries(user_id: str, before: datetime | None) -> tuple[Document, Document]:
    """Polls that are the person's, and others' that they have changed last."""
    user = ObjectId(user_id)
    own: Document = {"userId": user}
    changed = changed_by(user)
    if before is None:
        return own, changed
    return {**own, "createdAt": {"$lt": before}}, {**changed, "lastChange.at": {"$lt": before}}
