"""Polls in MongoDB, and those in use in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from bson import ObjectId
from odmantic import AIOEngine
from pymongo import UpdateOne

from quickpoll.errors import PollNotFound
from quickpoll.foundation.stores.bulk_writes import change_once
from quickpoll.foundation.stores.mongo import insert_once
from quickpoll.polls.bodies import fields_of
from quickpoll.polls.journal import Journal, SilentJournal
from quickpoll.polls.models import NO_GUESTS, Poll

REMEMBERED = 10_000
"""Polls kept in memory, those not used for longest forgotten first (12 kB each with four options,
65 kB with fifty)."""


class KnownPoll:
    """A poll in memory, with what is derived from it once."""

    __slots__ = ("_encoded", "id", "object_ids", "option_order", "poll")

    def __init__(self, poll: Poll) -> None:
        self.poll = poll
        self.id = str(poll.id)
        self.option_order = {option: place for place, option in enumerate(poll.option_ids())}
        self.object_ids = dict(
            zip(self.option_order, (one.id for one in poll.options), strict=True)
        )
        self._encoded: dict[str, bytes] = {}

    def encoded(self, now: datetime) -> bytes:
        """The poll's own fields as a JSON object, encoded once for each status."""
        status = self.poll.status_at(now)
        if status not in self._encoded:
            self._encoded[status] = orjson.dumps(fields_of(self.poll, now))
        return self._encoded[status]


class PollStore:
    """Reads and writes polls.

    What is remembered may be behind MongoDB. Whoever decides by it asks with the revision that
    the counts name (:meth:`current`), which is never behind what was answered.
    """

    def __init__(self, engine: AIOEngine) -> None:
        self._polls = engine.get_collection(Poll)
        self._known: OrderedDict[str, KnownPoll] = OrderedDict()
        self.journal: Journal = SilentJournal()
        self.hits = self.misses = 0

    async def get(self, poll_id: str) -> KnownPoll:
        """A poll, possibly from memory. Raises :class:`~quickpoll.errors.PollNotFound`."""
        known = self._known.get(poll_id)
        if known is None:
            self.misses += 1
            return await self.fresh(poll_id)
        self.hits += 1
        self._known.move_to_end(poll_id)
        return known

    def known(self, poll_id: str) -> KnownPoll | None:
        """A poll as it is in memory; ``None`` where it is not."""
        return self._known.get(poll_id)

    async def get_many(self, poll_ids: Iterable[str]) -> dict[str, KnownPoll]:
        """Those of the polls that exist."""
        wanted = list(poll_ids)
        found = {i: self._known[i] for i in wanted if i in self._known}
        absent = [i for i in wanted if i not in found]
        self.hits += len(found)
        self.misses += len(absent)
        return {**found, **(await self.fresh_many(absent) if absent else {})}

    async def fresh(self, poll_id: str) -> KnownPoll:
        """A poll as MongoDB has it now. Raises :class:`~quickpoll.errors.PollNotFound`."""
        found = await self.fresh_many([poll_id])
        if poll_id not in found:
            raise PollNotFound
        return found[poll_id]

    async def fresh_many(self, poll_ids: Iterable[str]) -> dict[str, KnownPoll]:
        """Those of the polls that exist, as MongoDB has them now."""
        wanted = list(poll_ids)
        documents = await self._polls.find({"_id": {"$in": [ObjectId(i) for i in wanted]}}).to_list(
            None
        )
        found = [self.remember(Poll.model_validate_doc(document)) for document in documents]
        known = {one.id: one for one in found}
        for poll_id in wanted:
            if poll_id not in known:
                self.forget(poll_id)
        return known

    async def current(self, revisions: dict[str, int]) -> dict[str, KnownPoll]:
        """The polls at these revisions; one that is remembered at another is read again.

        A revision of 0 says that it is not known: that poll is read from MongoDB.
        """
        # Taken before any waiting: meanwhile all of them may be forgotten.
        kept = {i: self._known[i] for i, at in revisions.items() if self._is_at(i, at)}
        stale = [i for i in revisions if i not in kept]
        self.hits += len(kept)
        self.misses += len(stale)
        return {**kept, **(await self.fresh_many(stale) if stale else {})}

    async def insert(self, poll: Poll) -> bool:
        """Store a new poll; answers whether it was not there."""
        await self.journal.before_insert(poll)
        return await insert_once(self._polls, poll.model_dump_doc())

    async def change(self, poll: Poll, fields: dict[str, Any], **only_if: Any) -> KnownPoll | None:
        """Set fields of a poll that is still at this revision (and matches ``only_if``).

        Answers the poll as it then is, ``None`` where it is not as expected.
        """
        expected = {"_id": poll.id, "revision": poll.revision, **only_if}
        await self.journal.before_change(poll, fields)
        changed = await change_once(self._polls, expected, {"$set": fields})
        self.forget(str(poll.id))
        return await self.fresh(str(poll.id)) if changed else None

    async def fence(self, poll_id: str) -> None:
        """Make powerless what was sent to change this poll before: it gets another revision.

        Raises a MongoDB error.
        """
        await self._polls.update_one({"_id": ObjectId(poll_id)}, {"$inc": {"revision": 1}})
        self.forget(poll_id)

    async def take_up(self, poll_id: str, guests: str) -> bool:
        """Let a poll know that it is in a session of these ``guests``; answers whether it is there
        and admits the same. A change of its ``guests`` that was decided before is void."""
        admitted = {"$in": [guests, None]} if guests == NO_GUESTS else guests
        result = await self._polls.update_one(
            {"_id": ObjectId(poll_id), "guests": admitted}, {"$inc": {"takenUp": 1}}
        )
        return bool(result.matched_count)

    async def lock(self, poll: Poll) -> bool:
        """Fix what voters rely on, before the first vote is written.

        Answers whether the poll was still at this revision: one write decides between the first
        vote and an edit.
        """
        result = await self._polls.update_one(
            {"_id": poll.id, "revision": poll.revision}, {"$set": {"votedOn": True}}
        )
        if result.matched_count:
            poll.voted_on = True
            return True
        self.forget(str(poll.id))
        return False

    async def lock_all(self, polls: list[Poll]) -> bool:
        """:meth:`lock` several in one round trip.

        Answers whether all were still at their revisions; if not, each is to be locked by itself.
        """
        locks = [
            UpdateOne({"_id": poll.id, "revision": poll.revision}, {"$set": {"votedOn": True}})
            for poll in polls
        ]
        result = await self._polls.bulk_write(locks, ordered=False)
        if result.matched_count < len(polls):
            return False
        for poll in polls:
            poll.voted_on = True
        return True

    async def log_is_level(self, poll: Poll) -> None:
        """The log has followed the change that set ``log_due`` as it is here."""
        expected = {"_id": poll.id, "logDue": poll.log_due}
        await self._polls.update_one(expected, {"$set": {"logDue": ""}})

    async def with_logs_due(self, most: int) -> list[str]:
        """Polls whose log may lack what was changed about them."""
        due = self._polls.find({"logDue": {"$gt": ""}}, {"_id": 1}).limit(most)
        return [str(one["_id"]) for one in await due.to_list(most)]

    async def log_phase(self, poll_id: str) -> int | None:
        """How often a verifiable poll was closed and opened, odd where it is closed; ``None``
        where there is no such poll, or it is not verifiable."""
        query = {"_id": ObjectId(poll_id), "verifiable": True}
        found = await self._polls.find_one(query, {"logPhase": 1})
        return None if found is None else int(found.get("logPhase", 0))

    async def add_likes(self, poll_id: str, likes: int) -> None:
        """Change the copy of the likes by which lists are sorted."""
        await self._polls.update_one({"_id": ObjectId(poll_id)}, {"$inc": {"likes": likes}})

    async def set_likes(self, poll_id: str, likes: int) -> None:
        """Correct the copy of the likes by which lists are sorted."""
        await self._polls.update_one(
            {"_id": ObjectId(poll_id), "likes": {"$ne": likes}}, {"$set": {"likes": likes}}
        )

    async def delete(self, poll_id: str, revision: int) -> bool:
        """Delete the poll's document, unless it was changed since this revision (0: whatever it
        is); answers whether it is gone. What comes late deletes no poll that lives."""
        key = ObjectId(poll_id)
        while True:
            self.forget(poll_id)
            at = await self.journal.before_delete(key)
            if at is not None and 0 < revision < at:
                return False
            expected = _at_most(revision) if at is None else {"revision": at}
            await self._polls.delete_one({"_id": key, **expected})
            found = await self._polls.find_one({"_id": key}, {"revision": 1})
            if found is None:
                return True
            if 0 < revision < found["revision"]:
                return False
            # Changed since the journal has read it: look again.

    def remember(self, poll: Poll) -> KnownPoll:
        """Keep a poll in memory, unless a later revision is there already."""
        known = self._known.get(str(poll.id))
        if known is not None and known.poll.revision > poll.revision:
            return known
        known = KnownPoll(poll)
        self._known[known.id] = known
        self._known.move_to_end(known.id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known

    def forget(self, poll_id: str) -> None:
        """Drop a poll from memory."""
        self._known.pop(poll_id, None)

    def forget_of(self, user_ids: Collection[str]) -> None:
        """Drop the polls of these users from memory."""
        for poll_id in [i for i, one in self._known.items() if str(one.poll.user_id) in user_ids]:
            self.forget(poll_id)

    def forget_all(self) -> None:
        """Drop all polls from memory: changes may have been missed."""
        self._known.clear()

    async def recent(self, most: int = 1000) -> list[str]:
        """Polls in use: the last used here, and the newest in MongoDB."""
        newest = await self._polls.find({}, {"_id": 1}).sort("_id", -1).limit(most).to_list(most)
        used = self.in_use(most)
        return list(dict.fromkeys([*used, *(str(one["_id"]) for one in newest)]))

    def in_use(self, most: int) -> list[str]:
        """Polls that were used here, the last first."""
        return list(islice(reversed(self._known), most))

    def _is_at(self, poll_id: str, revision: int) -> bool:
        known = self._known.get(poll_id)
        return known is not None and revision > 0 and known.poll.revision >= revision


def _at_most(revision: int) -> dict[str, Any]:
    return {"revision": {"$lte": revision}} if revision else {}
