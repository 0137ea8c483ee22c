"""Streams of events: from what has happened to deliveries that wait.

Invariants:

- The events of a topic have numbers, given out by compare-and-set on its stream: two instances that
  both take themselves for the holder of the lease never tell different things under one number.
- What is told stands in the stream before any delivery is made of it, and stays there until all of
  them are made. Making one twice changes nothing: its name says of what and for whom it is.
- An intent goes when what came of it is in the stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine
from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from quickpoll.foundation.stores.mongo import Document
from quickpoll.management.models import HistoryRow
from quickpoll.polls.models import Poll
from quickpoll.webhooks.deliveries import DeliveryStore
from quickpoll.webhooks.derivation import Derived, Event, Facts
from quickpoll.webhooks.models import Intent, Stream

MOST_AT_ONCE = 500
FORGOTTEN_SECONDS = 2 * 3600.0
"""When nobody waits any more for something that was noted and has not happened: a write may come
along a stalled wire for a long time."""

MOST_PATIENCE_SECONDS = 600.0


class StreamStore:
    """Reads what has happened, and writes down how far it was told."""

    def __init__(self, engine: AIOEngine, deliveries: DeliveryStore) -> None:
        self._intents = engine.get_collection(Intent)
        self._streams = engine.get_collection(Stream)
        self._polls = engine.get_collection(Poll)
        self._history = engine.get_collection(HistoryRow)
        self._deliveries = deliveries

    async def noted(self) -> list[ObjectId]:
        """Topics to which something may have happened."""
        past = {"lookAt": {"$lte": datetime.now(UTC)}}
        found = self._intents.find(past, {"topic": 1}).sort("lookAt", 1).limit(MOST_AT_ONCE)
        return [one["topic"] for one in await found.to_list(MOST_AT_ONCE)]

    async def begun(self) -> list[ObjectId]:
        """Topics that are not told to their end: deliveries may lack, or final counts."""
        found = self._streams.find({"due": True}, {"_id": 1}).limit(MOST_AT_ONCE)
        return [one["_id"] for one in await found.to_list(MOST_AT_ONCE)]

    async def open(self, topic: ObjectId) -> Stream:
        """The stream of a topic, with deliveries made of all that it has told."""
        found = await self._streams.find_one({"_id": topic})
        stream: Stream = Stream.model_validate_doc(found) if found else Stream(id=topic)
        if stream.batch:
            await self._deliver_batch(stream)
        return stream

    async def many(self, topics: Iterable[ObjectId]) -> dict[ObjectId, Document]:
        """What was last told of the counts of these."""
        found = self._streams.find({"_id": {"$in": list(topics)}}, {"results": 1})
        return {one["_id"]: one for one in await found.to_list(None)}

    async def facts(self, topic: ObjectId) -> Facts:
        """What is stored of a topic.

        The poll is read before the intents, so there is one for each of its changes, and once more
        after its history: that goes only when the poll has gone.
        """
        while True:
            poll = await self._polls.find_one({"_id": topic})
            intents = await self._intents.find({"topic": topic}).to_list(None)
            rows: list[Document] = []
            if poll is not None and intents:
                first = min(one["revision"] for one in intents)
                later = {"pollId": topic, "revision": {"$gte": first}}
                rows = await self._history.find(later).to_list(None)
            still = poll is None or await self._polls.find_one({"_id": topic}, {"_id": 1})
            if still:
                return Facts(
                    Poll.model_validate_doc(poll) if poll else None,
                    tuple(rows),
                    tuple(Intent.model_validate_doc(one) for one in intents),
                )

    async def is_unchanged(self, poll: Poll) -> bool:
        """Whether a poll has not been changed since it was as it is here."""
        as_it_was = {"_id": poll.id, "revision": poll.revision}
        return await self._polls.find_one(as_it_was, {"_id": 1}) is not None

    async def tell(self, stream: Stream, derived: Derived) -> bool:
        """Write down what is told of the changes of a topic; answers whether this instance did."""
        changed: Document = {
            "revision": derived.revision,
            "deleted": derived.deleted,
            "finalDue": derived.final_due,
        }
        before = (stream.revision, stream.deleted, stream.final_due)
        if derived.events or tuple(changed.values()) != before:
            if derived.deleted:
                changed["goneAt"] = datetime.now(UTC)
            if not await self._advance(stream, derived.events, changed):
                return False
        await self._settle(derived)
        return True

    async def tell_results(
        self, stream: Stream, events: list[Event], results: Document | None
    ) -> bool:
        """Write down what is told of the counts (``None``: nothing), and that no final counts are
        due any more; answers whether this instance did."""
        changed = {} if results is None else {"results": results}
        return await self._advance(stream, events, {**changed, "finalDue": None})

    async def _advance(self, stream: Stream, events: list[Event], changed: Document) -> bool:
        number = stream.number
        batch = [_row(one, number + place) for place, one in enumerate(events, 1)]
        final_due = changed["finalDue"]
        fields = {
            **changed,
            "number": number + max(len(events), 1),
            "batch": batch,
            "due": bool(batch or final_due),
        }
        if not await self._compare_and_set(stream, fields):
            return False
        stream.number, stream.batch = fields["number"], batch
        stream.revision = fields.get("revision", stream.revision)
        stream.deleted = fields.get("deleted", stream.deleted)
        stream.results = fields.get("results", stream.results)
        stream.final_due = final_due
        if batch:
            await self._deliver_batch(stream)
        return True

    async def _compare_and_set(self, stream: Stream, fields: Document) -> bool:
        expected = {"_id": stream.id, "number": stream.number}
        if stream.number:
            return bool((await self._streams.update_one(expected, {"$set": fields})).matched_count)
        new = {**stream.model_dump_doc(), **fields}
        try:
            await self._streams.insert_one({k: v for k, v in new.items() if v is not None})
        except DuplicateKeyError:
            return False
        return True

    async def _deliver_batch(self, stream: Stream) -> None:
        await self._deliveries.put(stream.id, stream.batch)
        fields: Document = {"batch": [], "due": stream.final_due is not None}
        await self._streams.update_one(
            {"_id": stream.id, "number": stream.number}, {"$set": fields}
        )
        stream.batch = []

    async def _settle(self, derived: Derived) -> None:
        if derived.resolved:
            await self._intents.delete_many({"_id": {"$in": derived.resolved}})
        now = datetime.now(UTC)
        later = [_later(one, now) for one in derived.unresolved]
        if later:
            await self._intents.bulk_write(later, ordered=False)
        old = now - timedelta(seconds=FORGOTTEN_SECONDS)
        over = [one.id for one in derived.unresolved if one.at < old]
        if over:
            await self._intents.delete_many({"_id": {"$in": over}})


def _later(intent: Intent, now: datetime) -> UpdateOne:
    """Look again when about as much time has passed once more."""
    age = (now - intent.at).total_seconds()
    pause = timedelta(seconds=min(max(age, 0.1), MOST_PATIENCE_SECONDS))
    return UpdateOne({"_id": intent.id}, {"$set": {"lookAt": now + pause}})


def _row(event: Event, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "type": event.type,
        "at": event.at,
        "body": event.body,
        "ownerId": event.owner_id,
        "webhooks": list(event.webhooks),
    }
