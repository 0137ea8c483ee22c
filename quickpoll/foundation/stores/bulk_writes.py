"""Inserts and changes of documents of one user and one poll, and what became of each.

A write whose answer nobody heard may reach MongoDB seconds or minutes later: what has left for the
kernel is sent again after the driver has closed its socket, and no time limit of ours ends that. So
such a write is *fenced*: the document of that user and poll gets another revision, and where there
is none, an empty one is made. A late insert then meets the unique index, a late change another
revision, and neither does anything. Empty documents stay as long as their poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from quickpoll.foundation.concurrency.time_limits import SETTLE_SECONDS
from quickpoll.foundation.stores.failures import DUPLICATE_KEY
from quickpoll.foundation.stores.mongo import Document, deadline, is_outage

log = structlog.get_logger(__name__)

LONG_AGO = datetime.fromtimestamp(0, UTC)
"""When an empty document was made that a fence has left. Nobody made it: so it is older than
whatever a person does, and an erasure that looks for what came late takes it along."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """What became of a batch of inserts, by the index of each in the batch.

    ``duplicate``: a unique index refused it, perhaps because the driver's own first try had
    stored it already (then the document with its ``_id`` is there). ``fenced`` is not stored, and
    never will be. ``doubtful`` may or may not be stored, now or later.
    """

    stored: set[int] = field(default_factory=set)
    duplicate: set[int] = field(default_factory=set)
    fenced: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)


async def insert_all(
    collection: AsyncIOMotorCollection[Document], documents: list[Document], empty: Document
) -> Inserted:
    """Insert documents (each with ``_id``, ``userId`` and ``pollId``), acknowledged by a majority
    and journaled. ``empty`` are the fields of a document that stands for none.

    After a lost connection, a timeout or a refusal the inserts are fenced, and MongoDB is asked
    what is there. Raises nothing for what MongoDB does.
    """
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        found = _judge(len(documents), error)
    except PyMongoError as error:
        if not is_outage(error):
            log.exception("inserts_failed", collection=collection.name)
        found = Inserted(doubtful=set(range(len(documents))))
    else:
        return Inserted(stored=set(range(len(documents))))
    if not found.doubtful:
        return found
    # In a context of its own: the time limit of the write has passed.
    settling = _settle(collection, documents, found, empty)
    return await asyncio.create_task(settling, context=Context())


async def fence(
    collection: AsyncIOMotorCollection[Document], keys: Iterable[Document], empty: Document
) -> None:
    """Make powerless what was sent about these users and polls before (``keys``: ``userId`` and
    ``pollId``). Raises a MongoDB error.
    """
    upserts = [
        UpdateOne(key, {"$inc": {"revision": 1}, "$setOnInsert": empty}, upsert=True)
        for key in keys
    ]
    if not upserts:
        return
    try:
        await collection.bulk_write(upserts, ordered=False)
    except BulkWriteError as error:
        if not only_duplicates(error):
            raise
        # Inserted in between, by the very write that is fenced or by another fence.
        await collection.bulk_write(upserts, ordered=False)


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


def only_duplicates(error: BulkWriteError) -> bool:
    """Whether a unique index refused some of it, and nothing else went wrong."""
    details = error.details or {}
    codes = {one["code"] for one in details.get("writeErrors", ())}
    return codes == {DUPLICATE_KEY} and not details.get("writeConcernErrors")


async def _settle(
    collection: AsyncIOMotorCollection[Document],
    documents: list[Document],
    found: Inserted,
    empty: Document,
) -> Inserted:
    open_questions = [documents[index] for index in sorted(found.doubtful)]
    try:
        with deadline(SETTLE_SECONDS):
            await fence(collection, map(_key, open_questions), empty)
            ids = [document["_id"] for document in open_questions]
            there = await collection.find({"_id": {"$in": ids}}, {"_id": 1}).to_list(None)
    except PyMongoError:
        return found
    stored_ids = {document["_id"] for document in there}
    stored = {index for index in found.doubtful if documents[index]["_id"] in stored_ids}
    return Inserted(found.stored | stored, found.duplicate, found.doubtful - stored)


def _key(document: Document) -> Document:
    return {"userId": document["userId"], "pollId": document["pollId"]}


def _judge(count: int, error: BulkWriteError) -> Inserted:
    details = error.details or {}
    failed = {one["index"]: one["code"] for one in details.get("writeErrors", ())}
    duplicate = {index for index, code in failed.items() if code == DUPLICATE_KEY}
    others = set(range(count)) - duplicate
    # A write concern error says that the rest is written, but perhaps not durably.
    doubtful = others if details.get("writeConcernErrors") else others & failed.keys()
    return Inserted(stored=others - doubtful, duplicate=duplicate, doubtful=doubtful)
