"""Ballots in MongoDB.

A ballot that was taken back stays, empty, as long as its poll: so an insert that reaches MongoDB
late, when its voter has long taken the vote back, meets the unique index instead of bringing it
back. Nobody outside sees empty ballots; each later write compares the revision before it changes
one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from secrets import token_bytes
from typing import NamedTuple, TypeVar

from bson import ObjectId
from odmantic import AIOEngine
from pymongo import UpdateOne

from quickpoll.foundation.concurrency.time_limits import THOROUGH_SECONDS
from quickpoll.foundation.stores.bulk_writes import (
    LONG_AGO,
    Inserted,
    change_once,
    fence,
    insert_all,
)
from quickpoll.foundation.stores.mongo import Document, deadline
from quickpoll.votes.logged import Line, Logged, logged_of, update_with
from quickpoll.votes.models import Vote

LEAST_ID = ObjectId("0" * 24)

PEPPER, SALT = "log.pepper", "log.salt"
OPENING = (PEPPER, SALT)
"""What would tell, of a ballot on a verifiable poll, whose it is and what it says."""

Key = TypeVar("Key")


class Ballot(NamedTuple):
    """A stored ballot, its ids in hexadecimal; without options, one that was taken back.

    ``key`` is the id of its document, which may have held an earlier ballot of the same voter.
    """

    id: str
    key: str
    user_id: str
    poll_id: str
    option_ids: tuple[str, ...]
    created_at: datetime
    revision: int = 0
    log: Logged | None = None
    """Of verifiable polls alone."""


class Lines(NamedTuple):
    """Entries that a write brings with it; ``sealed``: none is published before the close."""

    lines: list[Line]
    sealed: bool


class VoteStore:
    """Reads and writes ballots. The unique index on (userId, pollId) decides who was first."""

    def __init__(self, engine: AIOEngine) -> None:
        self._votes = engine.get_collection(Vote)

    async def insert(self, ballots: list[Document]) -> Inserted:
        """Insert ballots in one batch; see :func:`.insert_all`."""
        return await insert_all(self._votes, ballots, _empty())

    async def change(
        self,
        standing: Ballot,
        ballot: Ballot,
        moment: datetime,
        lines: Lines | None = None,
        *,
        guest: bool = False,
    ) -> bool:
        """Put another choice on a ballot; answers whether it still was as ``standing``.

        Compare and set: so what the change adds to the counts is known exactly.
        """
        fields: Document = {"optionIds": _ids(ballot.option_ids), "castAt": moment}
        if ballot.id != standing.id:
            fields |= {"ballotId": ObjectId(ballot.id), "createdAt": ballot.created_at}
        if guest:  # an empty one that fences left is nobody's yet
            fields["guest"] = True
        return await self._set(standing, fields, lines)

    async def confirm(self, standing: Ballot) -> bool:
        """Leave a ballot as it is, and let no change that was sent before come after this; answers
        whether it still was as ``standing``."""
        return await self._set(standing, {})

    async def retract(self, standing: Ballot, moment: datetime, lines: Lines | None = None) -> bool:
        """Empty a ballot; answers whether it still was as ``standing``."""
        return await self._set(standing, {"optionIds": [], "castAt": moment}, lines)

    async def of_user(
        self, user_id: str, most: int, before: datetime | None = None
    ) -> list[Ballot]:
        """Some of a user's ballots on whatever polls, empty ones too; those alone that were first
        cast ``before`` that moment where one is given."""
        query: Document = {"userId": ObjectId(user_id)}
        if before is not None:
            query["createdAt"] = {"$lt": before}
        with deadline(THOROUGH_SECONDS):
            found = await self._votes.find(query).limit(most).to_list(most)
        return [ballot_of_document(document) for document in found]

    async def polls_of_user(self, user_id: str, most: int) -> list[str]:
        """Some of the polls on which a user has a ballot, an empty one too."""
        query = {"userId": ObjectId(user_id)}
        with deadline(THOROUGH_SECONDS):
            found = await self._votes.find(query, {"_id": 0, "pollId": 1}).limit(most).to_list(most)
        return [str(one["pollId"]) for one in found]

    async def of_user_on(self, user_id: str, poll_ids: Iterable[str]) -> list[Ballot]:
        """A user's ballots on these polls, empty ones too."""
        query = {"userId": ObjectId(user_id), "pollId": {"$in": _ids(poll_ids)}}
        found = await self._votes.find(query).to_list(None)
        return [ballot_of_document(document) for document in found]

    async def release(
        self, standing: Ballot, moment: datetime, lines: Lines | None = None, *, emptied: bool
    ) -> bool:
        """Make a ballot that of a random id, and take its choice back where it is to be
        ``emptied``; ``lines`` are what its log is told of that. Answers whether it still was as
        ``standing``."""
        fields: Document = {"userId": random_id()}
        if emptied:
            fields |= {"optionIds": [], "castAt": moment}
        # The whole shard key, where there is one: it changes.
        whose = {"userId": ObjectId(standing.user_id), "pollId": ObjectId(standing.poll_id)}
        return await self._set(standing, fields, lines, gone=OPENING, whose=whose)

    async def count_of_user(self, user_id: str) -> int:
        """How many ballots a user has, empty ones too."""
        with deadline(THOROUGH_SECONDS):
            return await self._votes.count_documents({"userId": ObjectId(user_id)})

    async def delete_documents(self, keys: Iterable[str]) -> None:
        """Delete ballots by their documents: their polls are not there any more."""
        await self._votes.delete_many({"_id": {"$in": _ids(keys)}})

    async def has_others(self, poll_id: str, user_id: str) -> bool:
        """Whether anybody else than the user has a ballot on a poll."""
        cast = {"pollId": ObjectId(poll_id), "optionIds": {"$gte": LEAST_ID}}
        query = {**cast, "userId": {"$ne": ObjectId(user_id)}}
        return await self._votes.find_one(query, {"_id": 1}) is not None

    async def linked(self, poll_id: str, most: int) -> AsyncIterator[list[ObjectId]]:
        """The documents of a poll's ballots that belong to somebody, some at a time."""
        query = {"pollId": ObjectId(poll_id), "unlinked": {"$ne": True}}
        found = self._votes.find(query, {"_id": 1}, batch_size=most)
        while ids := [one["_id"] for one in await found.to_list(most)]:
            yield ids

    async def unlink(self, ids: Iterable[ObjectId]) -> int:
        """Let ballots of a poll that stays closed belong to nobody; answers how many did not."""
        cuts = [
            UpdateOne(
                {"_id": one, "unlinked": {"$ne": True}},
                {
                    "$set": {"userId": random_id(), "unlinked": True},
                    "$unset": {PEPPER: ""},
                    "$inc": {"revision": 1},
                },
            )
            for one in ids
        ]
        return (await self._votes.bulk_write(cuts, ordered=False)).modified_count

    async def fence(self, poll_id: str, user_ids: Iterable[str]) -> None:
        """Make powerless what was sent about these users' ballots before; see :func:`.fence`."""
        poll = ObjectId(poll_id)
        keys = [{"userId": user, "pollId": poll} for user in _ids(user_ids)]
        await fence(self._votes, keys, _empty())

    async def find(self, user_id: str, poll_id: str) -> Ballot | None:
        """One user's ballot on one poll."""
        return (await self.of_users(poll_id, [user_id])).get(user_id)

    async def of_users(self, poll_id: str, user_ids: Iterable[str]) -> dict[str, Ballot]:
        """The ballots of several users on one poll, by user."""
        return _cast(await self.standing(poll_id, user_ids))

    async def standing(self, poll_id: str, user_ids: Iterable[str]) -> dict[str, Ballot]:
        """The same with the empty ballots of those who have taken theirs back."""
        query = {"userId": {"$in": _ids(user_ids)}, "pollId": ObjectId(poll_id)}
        found = await self._votes.find(query).to_list(None)
        return {ballot.user_id: ballot for ballot in map(ballot_of_document, found)}

    async def among(
        self, user_ids: Iterable[str], poll_ids: Iterable[str]
    ) -> dict[tuple[str, str], Ballot]:
        """The ballots that any of these users have on any of these polls, by user and poll.

        Each pair is looked up in the index ``one_ballot``, so there should not be too many.
        """
        query = {"userId": {"$in": _ids(user_ids)}, "pollId": {"$in": _ids(poll_ids)}}
        found = await self._votes.find(query).to_list(None)
        return _cast({(one.user_id, one.poll_id): one for one in map(ballot_of_document, found)})

    async def count(self, poll_id: str, option_id: str) -> int:
        """How many ballots name an option, from the keys of the index ``counting``."""
        query = {"pollId": ObjectId(poll_id), "optionIds": ObjectId(option_id)}
        return await self._votes.count_documents(query)

    async def voters(self, poll_id: str) -> int:
        """How many ballots a poll has, from the keys of the index ``counting``."""
        query = {"pollId": ObjectId(poll_id), "optionIds": {"$gte": LEAST_ID}}
        return await self._votes.count_documents(query)

    async def guests(self, poll_id: str) -> int:
        """How many ballots of a poll are guests'."""
        ballots = {"pollId": ObjectId(poll_id), "optionIds": {"$gte": LEAST_ID}, "guest": True}
        return await self._votes.count_documents(ballots)

    async def count_alike(self, poll_id: str) -> dict[tuple[str, ...], int]:
        """How many ballots name which options, by one command."""
        ballots = {"pollId": ObjectId(poll_id), "optionIds": {"$gte": LEAST_ID}}
        alike = {"_id": "$optionIds", "ballots": {"$sum": 1}}
        found = await self._votes.aggregate([{"$match": ballots}, {"$group": alike}]).to_list(None)
        return {tuple(map(str, one["_id"])): one["ballots"] for one in found}

    async def delete_all(self, poll_id: str) -> None:
        """Delete every ballot of a poll."""
        await self._votes.delete_many({"pollId": ObjectId(poll_id)})

    async def _set(
        self,
        standing: Ballot,
        fields: Document,
        lines: Lines | None = None,
        gone: Iterable[str] = (),
        whose: Document | None = None,
    ) -> bool:
        as_it_was = {"_id": ObjectId(standing.key), "revision": standing.revision} | (whose or {})
        # What versions before 1.0 have taken back bears a time after which an index removes it.
        change: Document = {"$set": fields, "$unset": dict.fromkeys(("retractedAt", *gone), "")}
        if lines is not None:
            brought = update_with(standing.poll_id, standing.log, lines.lines, sealed=lines.sealed)
            change |= {"$set": fields | brought["$set"], "$push": brought["$push"]}
            change["$unset"] |= brought["$unset"]
        return await change_once(self._votes, as_it_was, change)


def random_id() -> ObjectId:
    """The id of nobody."""
    return ObjectId(token_bytes(12))


def _empty() -> Document:
    return {"optionIds": [], "createdAt": LONG_AGO, "castAt": datetime.now(UTC)}


def _ids(hexadecimal: Iterable[str]) -> list[ObjectId]:
    return [ObjectId(one) for one in hexadecimal]


def _cast(ballots: dict[Key, Ballot]) -> dict[Key, Ballot]:
    return {key: ballot for key, ballot in ballots.items() if ballot.option_ids}


def ballot_of_document(document: Document) -> Ballot:
    """A ballot as it is stored."""
    return Ballot(
        id=str(document.get("ballotId") or document["_id"]),
        key=str(document["_id"]),
        user_id=str(document["userId"]),
        poll_id=str(document["pollId"]),
        option_ids=tuple(str(option) for option in document["optionIds"]),
        created_at=document["createdAt"],
        revision=document["revision"],
        log=logged_of(document),
    )
