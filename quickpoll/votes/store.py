"""Ballots in MongoDB."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog
from bson import ObjectId
from odmantic import AIOEngine
from pymongo.errors import BulkWriteError, PyMongoError

from quickpoll.foundation.mongo import Document, deadline, is_outage
from quickpoll.votes.models import Vote

log = structlog.get_logger(__name__)

duplicate_key = 11000

look_seconds = 0.5
"""How long to ask what became of a write that timed out."""


class Ballot(NamedTuple):
    """A stored ballot, its ids in hexadecimal."""

    id: str
    user_id: str
    poll_id: str
    option_ids: tuple[str, ...]
    created_at: datetime
    revision: int | None = 0


@dataclass(frozen=True, slots=True)
class Inserted:
    """What became of a batch of inserts, by the place of each in the batch.

    ``doubtful`` may or may not be stored, now or a little later.
    """

    stored: set[int]
    duplicate: set[int]
    doubtful: set[int]


class VoteStore:
    """Reads and writes ballots. The unique index on (userId, pollId) decides who was first."""

    def __init__(self, engine: AIOEngine) -> None:
        self._votes = engine.get_collection(Vote)

    async def insert(self, ballots: list[Document]) -> Inserted:
        """Insert ballots in one batch, acknowledged by a majority and journaled.

        After a lost connection, a timeout or a refusal it asks MongoDB what is there: what is not
        is doubtful.
        """
        try:
            await self._votes.insert_many(ballots, ordered=False)
        except BulkWriteError as error:
            return _judge(len(ballots), error)
        except PyMongoError as error:
            if not is_outage(error):
                log.exception("ballots_not_written")
            # In a context of its own: the deadline of the write has passed.
            return await asyncio.create_task(self._look_for(ballots), context=Context())
        return Inserted(set(range(len(ballots))), set(), set())

    async def change(self, standing: Ballot, option_ids: tuple[str, ...], moment: datetime) -> bool:
        """Put another choice on a ballot; answers whether it still was as ``standing``.

        Compare and set: so what the change adds to the counts is known exactly.
        """
        chosen = [ObjectId(option) for option in option_ids]
        result = await self._votes.update_one(
            {"_id": ObjectId(standing.id), "revision": standing.revision},
            {"$set": {"optionIds": chosen, "castAt": moment}, "$inc": {"revision": 1}},
        )
        return result.matched_count == 1

    async def retract(self, standing: Ballot) -> bool:
        """Delete a ballot; answers whether it still was as ``standing``."""
        result = await self._votes.delete_one(
            {"_id": ObjectId(standing.id), "revision": standing.revision}
        )
        return result.deleted_count == 1

    async def find(self, user_id: str, poll_id: str) -> Ballot | None:
        """One user's ballot on one poll."""
        found = await self._votes.find_one(
            {"userId": ObjectId(user_id), "pollId": ObjectId(poll_id)}
        )
        return _ballot(found) if found else None

    async def of_users(self, poll_id: str, user_ids: Iterable[str]) -> dict[str, Ballot]:
        """The ballots of several users on one poll, by user."""
        users = [ObjectId(user) for user in user_ids]
        found = self._votes.find({"userId": {"$in": users}, "pollId": ObjectId(poll_id)})
        return {ballot.user_id: ballot for ballot in map(_ballot, await found.to_list(None))}

    async def among(
        self, user_ids: Iterable[str], poll_ids: Iterable[str]
    ) -> dict[tuple[str, str], Ballot]:
        """The ballots that any of these users have on any of these polls, by user and poll.

        Each pair is looked up in the index ``one_ballot``, so there should not be too many.
        """
        users, polls = [ObjectId(user) for user in user_ids], [ObjectId(poll) for poll in poll_ids]
        found = self._votes.find({"userId": {"$in": users}, "pollId": {"$in": polls}})
        ballots = map(_ballot, await found.to_list(None))
        return {(ballot.user_id, ballot.poll_id): ballot for ballot in ballots}

    async def count(self, poll_id: str, option_id: str) -> int:
        """How many ballots name an option, from the keys of the index ``counting``."""
        query = {"pollId": ObjectId(poll_id), "optionIds": ObjectId(option_id)}
        return await self._votes.count_documents(query)

    async def voters(self, poll_id: str) -> int:
        """How many ballots a poll has, from the keys of the index ``counting``."""
        return await self._votes.count_documents({"pollId": ObjectId(poll_id)})

    async def delete_all(self, poll_id: str) -> None:
        """Delete every ballot of a poll."""
        await self._votes.delete_many({"pollId": ObjectId(poll_id)})

    async def _look_for(self, ballots: list[Document]) -> Inserted:
        ids = [ballot["_id"] for ballot in ballots]
        try:
            with deadline(look_seconds):
                found = await self._votes.find({"_id": {"$in": ids}}, {"_id": 1}).to_list(None)
        except PyMongoError:
            found = []
        there = {document["_id"] for document in found}
        stored = {place for place, one in enumerate(ids) if one in there}
        return Inserted(stored, set(), set(range(len(ids))) - stored)


def _judge(count: int, error: BulkWriteError) -> Inserted:
    details = error.details or {}
    failed = {one["index"]: one["code"] for one in details.get("writeErrors", ())}
    duplicate = {place for place, code in failed.items() if code == duplicate_key}
    others = set(range(count)) - duplicate
    # A write concern error says that the rest is written, but perhaps not durably.
    doubtful = others if details.get("writeConcernErrors") else others & failed.keys()
    return Inserted(others - doubtful, duplicate, doubtful)


def _ballot(document: Document) -> Ballot:
    return Ballot(
        id=str(document["_id"]),
        user_id=str(document["userId"]),
        poll_id=str(document["pollId"]),
        option_ids=tuple(str(option) for option in document["optionIds"]),
        created_at=document["createdAt"],
        revision=document.get("revision"),
    )
