"""Deliveries and the lanes in which they wait, in MongoDB.

Invariants:

- A lane is there as long as one of its deliveries waits: deliveries are written before their lane
  is counted up, and a lane goes only as it was seen empty. Each filling has a token of its own: the
  driver may repeat the write that takes a lane away, and must not meet its successor.
- The deliveries of a lane are sent by their numbers; what waits for a next try holds up the lane
  and nothing else.
- An attempt is written down before the next delivery of its lane is sent, and only once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from quickpoll.foundation.stores.bulk_writes import only_duplicates
from quickpoll.foundation.stores.mongo import Document, insert_once
from quickpoll.webhooks.events import TEST, message_body, message_id
from quickpoll.webhooks.models import DELIVERED, GIVEN_UP, WAITING, Delivery, Lane

MOST_LISTED = 100


class DeliveryStore:
    """Puts deliveries into lanes, and takes them out."""

    def __init__(self, engine: AIOEngine) -> None:
        self._deliveries = engine.get_collection(Delivery)
        self._lanes = engine.get_collection(Lane)

    async def put(self, topic: ObjectId, batch: list[Document]) -> None:
        """Make deliveries of a batch of events, those that are there already left as they are."""
        made = [_delivery(topic, row, one) for row in batch for one in row["webhooks"]]
        if not made:
            return
        await _write(self._deliveries, [_unless_there(one) for one in made])
        await self._fill({(one["webhookId"], topic) for one in made})

    async def put_test(self, webhook_id: ObjectId) -> Delivery:
        """Make a test message for a webhook."""
        now = datetime.now(UTC)
        number = int(now.timestamp() * 1e6)
        body = message_body(TEST, now, {"webhookId": str(webhook_id)})
        row = {"number": number, "type": TEST, "at": now, "body": body, "ownerId": webhook_id}
        document = _delivery(webhook_id, row, webhook_id)
        await insert_once(self._deliveries, document)
        await self._fill({(webhook_id, webhook_id)})
        made: Delivery = Delivery.model_validate_doc(document)
        return made

    async def replay(self, webhook_id: ObjectId, since: datetime) -> int:
        """Have everything since then sent to a webhook again; answers how many messages."""
        of_then = {"webhookId": webhook_id, "at": {"$gte": since}, "type": {"$ne": TEST}}
        done = {**of_then, "state": {"$in": [DELIVERED, GIVEN_UP]}}
        again = {"$set": {"state": WAITING, "tries": 0}}
        result = await self._deliveries.update_many(done, again)
        topics = await self._topics({**of_then, "state": WAITING})
        await self._fill({(webhook_id, topic) for topic in topics})
        return int(result.modified_count)

    async def newest(self, webhook_id: ObjectId) -> list[Delivery]:
        """The latest messages to a webhook, the newest first."""
        found = self._deliveries.find({"webhookId": webhook_id}, {"body": 0})
        newest = found.sort([("at", -1), ("number", -1)]).limit(MOST_LISTED)
        documents = await newest.to_list(MOST_LISTED)
        return [Delivery.model_validate_doc({**one, "body": ""}) for one in documents]

    async def due_lanes(
        self, without: Iterable[ObjectId], under_way: Iterable[str], most: int
    ) -> list[Lane]:
        """Lanes whose first delivery is due, those of some webhooks and some lanes aside."""
        due = {"webhookId": {"$nin": list(without)}, "_id": {"$nin": list(under_way)}}
        return await self._due(due, most)

    async def due_lanes_of(self, webhook_id: ObjectId, most: int) -> list[Lane]:
        """Lanes of a webhook whose first delivery is due."""
        return await self._due({"webhookId": webhook_id}, most)

    async def _due(self, query: Document, most: int) -> list[Lane]:
        due = {**query, "nextAt": {"$lte": datetime.now(UTC)}}
        found = await self._lanes.find(due).sort("nextAt", 1).limit(most).to_list(most)
        return [Lane.model_validate_doc(one) for one in found]

    async def lane(self, lane_id: str) -> Lane | None:
        """A lane as it is now."""
        found = await self._lanes.find_one({"_id": lane_id})
        return Lane.model_validate_doc(found) if found else None

    async def first(self, lane: Lane) -> Delivery | None:
        """The delivery of a lane that is to be sent next."""
        waiting = {"webhookId": lane.webhook_id, "topic": lane.topic, "state": WAITING}
        found = await self._deliveries.find(waiting).sort("number", 1).limit(1).to_list(1)
        return Delivery.model_validate_doc(found[0]) if found else None

    async def attempted(self, delivery: Delivery, attempt: Document, state: str) -> None:
        """Write an attempt down, and what comes of the delivery; again is the same."""
        await self._deliveries.update_one(
            {"_id": delivery.id, "attempts.at": {"$ne": attempt["at"]}},
            {"$push": {"attempts": attempt}, "$inc": {"tries": 1}, "$set": {"state": state}},
        )

    async def pause(self, lane: Lane, seconds: float | None) -> None:
        """Send nothing of a lane for so long (``None``: until its webhook is active again)."""
        later = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
        await self._lanes.update_one({"_id": lane.id}, {"$set": {"nextAt": later}})

    async def end(self, lane: Lane) -> bool:
        """Take away a lane that was seen empty; answers whether nothing was put in since."""
        as_seen = {"_id": lane.id, "version": lane.version, "token": lane.token}
        result = await self._lanes.delete_one(as_seen)
        return bool(result.deleted_count)

    async def wake(self, webhook_id: ObjectId) -> None:
        """A webhook is active again: what has waited for that is due."""
        waiting = {"webhookId": webhook_id, "nextAt": None}
        await self._lanes.update_many(waiting, {"$set": {"nextAt": datetime.now(UTC)}})

    async def forget_webhook(self, webhook_id: ObjectId) -> None:
        """Forget what there was for a webhook."""
        await self._lanes.delete_many({"webhookId": webhook_id})
        await self._deliveries.delete_many({"webhookId": webhook_id})

    async def forget_owner(self, owner_id: ObjectId) -> None:
        """Forget what was told of the polls of a user, to whomever."""
        await self._deliveries.delete_many({"ownerId": owner_id})

    async def waiting(self) -> tuple[int, datetime | None]:
        """How many lanes wait, and since when the one that is due longest is due."""
        oldest = await self._lanes.find({"nextAt": {"$ne": None}}).sort("nextAt", 1).to_list(1)
        number = await self._lanes.count_documents({})
        return number, oldest[0]["nextAt"] if oldest else None

    async def _topics(self, which: Document) -> list[ObjectId]:
        grouped = [{"$match": which}, {"$group": {"_id": "$topic"}}]
        return [one["_id"] for one in await self._deliveries.aggregate(grouped).to_list(None)]

    async def _fill(self, lanes: Iterable[tuple[ObjectId, ObjectId]]) -> None:
        now = datetime.now(UTC)
        updates = [
            UpdateOne(
                {"_id": f"{webhook_id}:{topic}"},
                {
                    "$inc": {"version": 1},
                    "$set": {"token": token_hex(8)},
                    "$setOnInsert": {"webhookId": webhook_id, "topic": topic, "nextAt": now},
                },
                upsert=True,
            )
            for webhook_id, topic in lanes
        ]
        if updates:
            await _write(self._lanes, updates)


def _delivery(topic: ObjectId, row: Document, webhook_id: ObjectId) -> Document:
    named = message_id(topic, row["number"])
    return Delivery(
        id=f"{webhook_id}:{named}",
        webhook_id=webhook_id,
        topic=topic,
        number=row["number"],
        message_id=named,
        type=row["type"],
        body=row["body"],
        at=row["at"],
        owner_id=row["ownerId"],
    ).model_dump_doc()


def _unless_there(document: Document) -> UpdateOne:
    fields = {name: value for name, value in document.items() if name != "_id"}
    return UpdateOne({"_id": document["_id"]}, {"$setOnInsert": fields}, upsert=True)


async def _write(collection: Any, updates: list[UpdateOne]) -> None:
    """Write all; where another instance puts the same documents there meanwhile, once more."""
    try:
        await collection.bulk_write(updates, ordered=False)
    except BulkWriteError as error:
        if not only_duplicates(error):
            raise
        await collection.bulk_write(updates, ordered=False)
