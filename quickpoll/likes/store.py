"""Likes in MongoDB.

A like that was taken back stays, as long as its poll, as one that is not: so an insert that reaches
MongoDB late meets the unique index instead of bringing it back. Each later write compares the
revision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_bytes

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.foundation.concurrency.time_limits import THOROUGH_SECONDS
from quickpoll.foundation.stores.bulk_writes import (
    LONG_AGO,
    Inserted,
    change_once,
    fence,
    insert_all,
)
from quickpoll.foundation.stores.mongo import Document, deadline
from quickpoll.likes.models import Like

Pair = tuple[str, str]
"""A user's id and a poll's id."""


@dataclass(frozen=True, slots=True)
class StoredLike:
    """A like, or that there is none any more."""

    id: str
    liked: bool
    revision: int


class LikeStore:
    """Reads and writes likes. The unique index on (userId, pollId) decides doubles."""

    def __init__(self, engine: AIOEngine) -> None:
        self._likes = engine.get_collection(Like)

    async def insert(self, likes: list[Document]) -> Inserted:
        """Insert likes in one batch; see :func:`.insert_all`."""
        return await insert_all(self._likes, likes, _empty())

    async def turn(self, stored: StoredLike, *, liked: bool) -> bool:
        """Set or take back a like, or leave it as it is; answers whether it still was as
        ``stored``."""
        as_it_was = {"_id": ObjectId(stored.id), "revision": stored.revision}
        # What versions before 1.0 have taken back bears a time after which an index removes it.
        change: Document = {"$set": {"liked": liked}, "$unset": {"takenBackAt": ""}}
        if liked and not stored.liked:
            change["$set"]["createdAt"] = datetime.now(UTC)
        return await change_once(self._likes, as_it_was, change)

    async def of_user(
        self, user_id: str, most: int, before: datetime | None = None
    ) -> dict[str, StoredLike]:
        """Some of what is stored of a user, by poll; what was made ``before`` that moment alone,
        where one is given."""
        query: Document = {"userId": ObjectId(user_id)}
        if before is not None:
            query["createdAt"] = {"$lt": before}
        with deadline(THOROUGH_SECONDS):
            found = await self._likes.find(query).limit(most).to_list(most)
        return {str(like["pollId"]): _stored(like) for like in found}

    async def release(self, pair: Pair, stored: StoredLike, *, liked: bool) -> bool:
        """Make a like that of a random id; answers whether it still was as ``stored``."""
        # The whole shard key, where there is one: it changes.
        whose = {"userId": ObjectId(pair[0]), "pollId": ObjectId(pair[1])}
        as_it_was = {"_id": ObjectId(stored.id), "revision": stored.revision, **whose}
        fields = {"userId": ObjectId(token_bytes(12)), "liked": liked}
        return await change_once(self._likes, as_it_was, {"$set": fields})

    async def count_of_user(self, user_id: str) -> int:
        """How much is stored of a user."""
        with deadline(THOROUGH_SECONDS):
            return await self._likes.count_documents({"userId": ObjectId(user_id)})

    async def delete_documents(self, likes: Iterable[StoredLike]) -> None:
        """Delete likes whose polls are not there any more."""
        await self._likes.delete_many({"_id": {"$in": [ObjectId(one.id) for one in likes]}})

    async def fence(self, poll_id: str, user_ids: Iterable[str]) -> None:
        """Make powerless what was sent about these users' likes before; see :func:`.fence`."""
        poll = ObjectId(poll_id)
        keys = [{"userId": ObjectId(user), "pollId": poll} for user in user_ids]
        await fence(self._likes, keys, _empty())

    async def standing(self, pairs: Iterable[Pair]) -> dict[Pair, StoredLike]:
        """What is stored of these users and polls, by pair."""
        wanted = set(pairs)
        query = {
            "userId": {"$in": [ObjectId(user) for user in {user for user, _ in wanted}]},
            "pollId": {"$in": [ObjectId(poll) for poll in {poll for _, poll in wanted}]},
        }
        found = await self._likes.find(query).to_list(None)
        stored = {(str(like["userId"]), str(like["pollId"])): _stored(like) for like in found}
        return {pair: stored[pair] for pair in wanted & stored.keys()}

    async def among(self, user_ids: Iterable[str], poll_ids: Iterable[str]) -> set[Pair]:
        """The likes that any of these users have given any of these polls.

        Each pair is looked up in the index ``one_like``, so there should not be too many.
        """
        users, polls = [ObjectId(user) for user in user_ids], [ObjectId(poll) for poll in poll_ids]
        query = {"userId": {"$in": users}, "pollId": {"$in": polls}, "liked": True}
        found = await self._likes.find(query, {"_id": 0, "userId": 1, "pollId": 1}).to_list(None)
        return {(str(like["userId"]), str(like["pollId"])) for like in found}

    async def count(self, poll_id: str) -> int:
        """How many like a poll, from the keys of the index ``counting``."""
        return await self._likes.count_documents({"pollId": ObjectId(poll_id), "liked": True})

    async def delete_all(self, poll_id: str) -> None:
        """Delete every like of a poll."""
        await self._likes.delete_many({"pollId": ObjectId(poll_id)})


def new_like(user_id: str, poll_id: str, *, liked: bool) -> Document:
    """A like to insert, or that there is none."""
    return {
        "_id": ObjectId(),
        "userId": ObjectId(user_id),
        "pollId": ObjectId(poll_id),
        "createdAt": datetime.now(UTC),
        "liked": liked,
        "revision": 0,
    }


def _empty() -> Document:
    return {"liked": False, "createdAt": LONG_AGO}


def _stored(document: Document) -> StoredLike:
    return StoredLike(str(document["_id"]), document["liked"], document["revision"])
