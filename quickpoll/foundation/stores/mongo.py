"""MongoDB: one client, and time limits that hold when the server hangs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pymongo
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from odmantic import AIOEngine
from pymongo.errors import DuplicateKeyError

from quickpoll.foundation.concurrency.time_limits import OPERATION_SECONDS
from quickpoll.foundation.stores.command_times import CommandTimes
from quickpoll.foundation.stores.failures import is_mongo_failure

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Collection = AsyncIOMotorCollection[Document]
Database = AsyncIOMotorDatabase[Document]


def open_client(url: str) -> Client:
    """A client that connects by itself, now or whenever the server is there.

    Every write is acknowledged by a majority and journaled; every read sees only such writes, and
    asks the primary, whatever the address says.
    ``timeoutMS`` bounds an operation with its retries (``socketTimeoutMS`` alone does not).
    """
    return AsyncIOMotorClient(
        url,
        appname="quickpoll",
        tz_aware=True,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        readPreference="primary",
        retryWrites=True,
        timeoutMS=int(OPERATION_SECONDS * 1000),
        serverSelectionTimeoutMS=int(OPERATION_SECONDS * 1000),
        connectTimeoutMS=int(OPERATION_SECONDS * 1000),
        heartbeatFrequencyMS=1000,
        maxPoolSize=64,
        event_listeners=[CommandTimes()],
    )


def open_engine(client: Client, database: str) -> AIOEngine:
    """The ODM over that client; it opens nothing."""
    return AIOEngine(client=client, database=database)


def deadline(seconds: float = OPERATION_SECONDS) -> AbstractContextManager[object]:
    """One time limit over several operations in the ``with`` block."""
    return pymongo.timeout(seconds)


async def insert_once(collection: Collection, document: Document) -> bool:
    """Insert a document with an ``_id`` of its own; answers whether it was not there.

    After a broken connection the driver repeats an insert, and meets what its own first try has
    stored, if the server lost its record of it on the way. Raises a MongoDB error:
    :class:`pymongo.errors.DuplicateKeyError` where another unique index refuses it.
    """
    try:
        await collection.insert_one(document)
    except DuplicateKeyError:
        if await collection.find_one({"_id": document["_id"]}, {"_id": 1}) is None:
            raise
        return False
    return True


def is_reachable(client: Client) -> bool:
    """Whether the driver knows of a server that takes writes; asks nobody."""
    return bool(client.delegate.topology_description.has_writable_server())


def is_outage(error: BaseException) -> bool:
    """Whether MongoDB is away, slow or refuses us, rather than that we asked wrongly."""
    return is_mongo_failure(error)
