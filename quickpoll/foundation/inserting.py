"""Inserts and changes, and finding out what became of each."""

from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import dataclass

import structlog
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import BulkWriteError, PyMongoError

from quickpoll.foundation.mongo import Document, deadline, is_outage

log = structlog.get_logger(__name__)

duplicate_key = 11000

look_seconds = 0.5
"""How long to ask what became of a write that timed out."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """What became of a batch of inserts, by the place of each in the batch.

    ``duplicate``: a unique index refused it, perhaps because the driver's own first try had
    stored it already (then the document with its ``_id`` is there). ``doubtful`` may or may not
    be stored, now or a little later.
    """

    stored: set[int]
    duplicate: set[int]
    doubtful: set[int]


async def insert_all(
    collection: AsyncIOMotorCollection[Document], documents: list[Document]
) -> Inserted:
    """Insert documents (each with its ``_id``), acknowledged by a majority and journaled.

    After a lost connection, a timeout or a refusal it asks MongoDB what is there: what is not is
    doubtful. Raises nothing for what MongoDB does.
    """
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        return _judge(len(documents), error)
    except PyMongoError as error:
        if not is_outage(error):
            log.exception("inserts_failed", collection=collection.name)
        # In a context of its own: the deadline of the write has passed.
        return await asyncio.create_task(_look_for(collection, documents), context=Context())
    return Inserted(set(range(len(documents))), set(), set())


async def change_once(
    collection: AsyncIOMotorCollection[Document], as_it_was: Document, change: Document
) -> bool:
    """Compare and set one document with a ``revision``; answers whether this change is in place.

    After a broken connection the driver repeats a change, and meets a document that its own first
    try has changed: ``lastWrite`` tells that from somebody else's. Raises a MongoDB error.
    """
    mine = ObjectId()
    named = {**change, "$set": {**change["$set"], "lastWrite": mine}, "$inc": {"revision": 1}}
    if (await collection.update_one(as_it_was, named)).matched_count:
        return True
    own = {"_id": as_it_was["_id"], "lastWrite": mine}
    return await collection.find_one(own, {"_id": 1}) is not None


async def _look_for(
    collection: AsyncIOMotorCollection[Document], documents: list[Document]
) -> Inserted:
    ids = [document["_id"] for document in documents]
    try:
        with deadline(look_seconds):
            found = await collection.find({"_id": {"$in": ids}}, {"_id": 1}).to_list(None)
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
