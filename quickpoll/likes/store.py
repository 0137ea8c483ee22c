"""Likes in MongoDB."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from bson import ObjectId
from odmantic import AIOEngine
from pymongo.errors import BulkWriteError

from quickpoll.likes.models import Like

duplicate_key = 11000

Pair = tuple[str, str]
"""A user's id and a poll's id."""


class LikeStore:
    """Reads and writes likes. The unique index on (userId, pollId) decides doubles."""

    def __init__(self, engine: AIOEngine) -> None:
        self._likes = engine.get_collection(Like)

    async def insert(self, pairs: list[Pair]) -> list[bool]:
        """Insert likes in one batch; answers for each whether it is new.

        Raises a MongoDB error where that cannot be told.
        """
        now = datetime.now(UTC)
        documents = [
            {"_id": ObjectId(), **_key(user_id, poll_id), "createdAt": now}
            for user_id, poll_id in pairs
        ]
        try:
            await self._likes.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            failed = (error.details or {}).get("writeErrors", [])
            if (error.details or {}).get("writeConcernErrors") or any(
                one["code"] != duplicate_key for one in failed
            ):
                raise
            doubles = {one["index"] for one in failed}
            return [place not in doubles for place in range(len(pairs))]
        return [True] * len(pairs)

    async def delete(self, user_id: str, poll_id: str) -> bool:
        """Delete a like; answers whether it was there."""
        return (await self._likes.delete_one(_key(user_id, poll_id))).deleted_count == 1

    async def of_users(self, poll_id: str, user_ids: Iterable[str]) -> set[str]:
        """Which of these users like a poll."""
        users = [ObjectId(user) for user in user_ids]
        query = {"userId": {"$in": users}, "pollId": ObjectId(poll_id)}
        found = await self._likes.find(query, {"_id": 0, "userId": 1}).to_list(None)
        return {str(like["userId"]) for like in found}

    async def among(self, user_ids: Iterable[str], poll_ids: Iterable[str]) -> set[Pair]:
        """The likes that any of these users have given any of these polls.

        Each pair is looked up in the index ``one_like``, so there should not be too many.
        """
        users, polls = [ObjectId(user) for user in user_ids], [ObjectId(poll) for poll in poll_ids]
        query = {"userId": {"$in": users}, "pollId": {"$in": polls}}
        found = await self._likes.find(query, {"_id": 0, "userId": 1, "pollId": 1}).to_list(None)
        return {(str(like["userId"]), str(like["pollId"])) for like in found}

    async def of_user(self, user_id: str, poll_ids: Iterable[str]) -> set[str]:
        """Which of these polls a user likes."""
        polls = [ObjectId(poll) for poll in poll_ids]
        query = {"userId": ObjectId(user_id), "pollId": {"$in": polls}}
        found = await self._likes.find(query, {"_id": 0, "pollId": 1}).to_list(None)
        return {str(like["pollId"]) for like in found}

    async def count(self, poll_id: str) -> int:
        """How many like a poll, from the keys of the index ``counting``."""
        return await self._likes.count_documents({"pollId": ObjectId(poll_id)})

    async def delete_all(self, poll_id: str) -> None:
        """Delete every like of a poll."""
        await self._likes.delete_many({"pollId": ObjectId(poll_id)})


def _key(user_id: str, poll_id: str) -> dict[str, ObjectId]:
    return {"userId": ObjectId(user_id), "pollId": ObjectId(poll_id)}
