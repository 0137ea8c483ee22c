"""Invites in MongoDB.

An invite that was used stays as long as its poll or session. So one that was found used once is
remembered, and costs no further look.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bson import ObjectId
from odmantic import AIOEngine
from pymongo.errors import BulkWriteError

from quickpoll.foundation.stores.bulk_writes import only_duplicates
from quickpoll.guests.models import Invite

REMEMBERED = 20_000
AT_ONCE = 500
"""Invites in one insert: well within the time that an operation may take."""


class StoredInvite(NamedTuple):
    """Where an invite leads, and whether somebody has entered by it."""

    topic_id: str
    used: bool


class InviteStore:
    """Reads and writes invites; each goes by the id of its guest."""

    def __init__(self, engine: AIOEngine) -> None:
        self._invites = engine.get_collection(Invite)
        self._used: OrderedDict[str, str] = OrderedDict()

    async def insert(self, topic_id: str, user_ids: Sequence[str]) -> None:
        """Store new invites to a poll or session. Raises a MongoDB error."""
        for start in range(0, len(user_ids), AT_ONCE):
            some = user_ids[start : start + AT_ONCE]
            made = [Invite(id=ObjectId(one), topic_id=ObjectId(topic_id)) for one in some]
            try:
                await self._invites.insert_many(
                    [one.model_dump_doc() for one in made], ordered=False
                )
            except BulkWriteError as error:
                if not only_duplicates(
                    error
                ):  # the driver's own first try, after a broken connection
                    raise

    async def find(self, user_id: str) -> StoredInvite | None:
        """The invite by which this guest comes."""
        found = await self._invites.find_one({"_id": ObjectId(user_id)})
        return None if found is None else StoredInvite(str(found["topicId"]), found["used"])

    async def topic_of(self, user_id: str) -> str | None:
        """The poll or session that this guest was invited to; ``None`` for who came without."""
        topic_id = self._used.get(user_id)
        if topic_id is not None:
            return topic_id
        found = await self.find(user_id)
        if found is None:
            return None
        if found.used:
            self._remember(user_id, found.topic_id)
        return found.topic_id

    async def use(self, user_id: str) -> bool:
        """Enter by an invite; answers whether this was the first time. One write decides between
        this and a withdrawal."""
        unused = {"_id": ObjectId(user_id), "used": False}
        result = await self._invites.update_one(unused, {"$set": {"used": True}})
        return result.modified_count == 1

    async def withdraw(self, topic_id: str) -> None:
        """Delete the invites to a poll or session by which nobody has entered."""
        await self._invites.delete_many({"topicId": ObjectId(topic_id), "used": False})

    async def delete_all(self, topic_id: str) -> None:
        """Delete every invite to a poll or session, which is gone."""
        await self._invites.delete_many({"topicId": ObjectId(topic_id)})

    def forget_of(self, user_ids: Iterable[str]) -> None:
        """Drop what is remembered of guests."""
        for user_id in user_ids:
            self._used.pop(user_id, None)

    async def forget(self, user_id: str) -> None:
        """Delete the invite by which a guest has come: it leads nowhere any more."""
        self._used.pop(user_id, None)
        await self._invites.delete_one({"_id": ObjectId(user_id)})

    def _remember(self, user_id: str, topic_id: str) -> None:
        self._used[user_id] = topic_id
        if len(self._used) > REMEMBERED:
            self._used.popitem(last=False)
