"""The database commands that the service and its peers send."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

import bson
from bson import Int64, ObjectId

from bench.memory_mongo.aggregation import aggregate, project
from bench.memory_mongo.collection import Collection, DuplicateKeyError
from bench.memory_mongo.cursors import Cursors
from bench.memory_mongo.updates import updated
from bench.memory_mongo.values import Document, hashable
from bench.memory_mongo.wire import cursor_reply

log = logging.getLogger(__name__)

Handler = Callable[[Document, list[bytes]], Document | bytes]

set_name = "memory"


class Database:
    """Every collection of every database, and the commands on them."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._collections: dict[str, Collection] = {}
        self._cursors = Cursors()
        self._handlers: dict[str, Handler] = {
            "insert": self._insert,
            "find": self._find,
            "findAndModify": self._find_and_modify,
            "findandmodify": self._find_and_modify,
            "update": self._update,
            "delete": self._delete,
            "aggregate": self._aggregate,
            "count": self._count,
            "distinct": self._distinct,
            "createIndexes": self._create_indexes,
            "listIndexes": self._list_indexes,
            "listCollections": self._list_collections,
            "drop": self._drop,
            "dropDatabase": self._drop_database,
            "dropIndexes": self._fine,
            "create": self._fine,
            "collMod": self._fine,
            "ping": self._fine,
            "endSessions": self._fine,
            "getMore": self._cursors.more,
            "killCursors": self._cursors.kill,
            "commitTransaction": self._fine,
            "abortTransaction": self._fine,
            "hello": self._hello,
            "isMaster": self._hello,
            "ismaster": self._hello,
            "buildInfo": self._build_info,
            "buildinfo": self._build_info,
        }

    def answer(self, command: Document, sequence: list[bytes]) -> bytes:
        """The encoded reply to a command."""
        name = next(iter(command), "")
        handler = self._handlers.get(name)
        if handler is None:
            log.warning("unknown command %s", name)
            return _failure(59, "CommandNotFound", f"no such command: '{name}'")
        try:
            reply = handler(command, sequence)
        except DuplicateKeyError as error:
            return _failure(11000, "DuplicateKey", str(error))
        except Exception as error:
            log.exception("command %s failed: %s", name, command)
            return _failure(8, "UnknownError", f"{type(error).__name__}: {error}")
        return reply if isinstance(reply, bytes) else bson.encode({**reply, "ok": 1.0})

    def collection(self, namespace: str) -> Collection:
        """The collection of that name, made when first asked for."""
        found = self._collections.get(namespace)
        if found is None:
            found = self._collections[namespace] = Collection()
        return found

    def _of(self, command: Document) -> Collection:
        return self.collection(_namespace(command))

    def _insert(self, command: Document, sequence: list[bytes]) -> Document:
        collection = self._of(command)
        raws = sequence or [bson.encode(document) for document in command["documents"]]
        errors: list[Document] = []
        for position, raw in enumerate(raws):
            try:
                collection.insert(raw, bson.decode(raw))
            except DuplicateKeyError as error:
                errors.append(_write_error(position, error))
                if command.get("ordered", True):
                    return _written(position, errors)
        return _written(len(raws) - len(errors), errors)

    def _find(self, command: Document, _sequence: list[bytes]) -> bytes:
        collection = self._of(command)
        keys = collection.find(
            command.get("filter") or {},
            command.get("sort"),
            command.get("limit") or 0,
            command.get("skip") or 0,
        )
        raws = (raw for key in keys if (raw := collection.records.get(key)) is not None)
        if fields := command.get("projection"):
            raws = (bson.encode(project(bson.decode(raw), fields)) for raw in raws)
        return self._cursors.first(_namespace(command), raws, command.get("batchSize") or 0)

    def _find_and_modify(self, command: Document, _sequence: list[bytes]) -> Document:
        collection = self._of(command)
        keys = collection.find(command["query"], command.get("sort"), limit=1)
        before, after, outcome = _one_changed(collection, command, keys[0] if keys else None)
        value = after if command.get("new") else before
        if value is not None and command.get("fields"):
            value = project(value, command["fields"])
        return {"value": value, "lastErrorObject": outcome}

    def _update(self, command: Document, sequence: list[bytes]) -> Document:
        collection = self._of(command)
        statements = [bson.decode(raw) for raw in sequence] or command["updates"]
        reply: Document = {"n": 0, "nModified": 0}
        for position, statement in enumerate(statements):
            try:
                _updated_by(collection, statement, position, reply)
            except DuplicateKeyError as error:
                reply.setdefault("writeErrors", []).append(_write_error(position, error))
        return reply

    def _delete(self, command: Document, sequence: list[bytes]) -> Document:
        collection = self._of(command)
        statements = [bson.decode(raw) for raw in sequence] or command["deletes"]
        number = 0
        for statement in statements:
            for key in collection.find(statement["q"], limit=statement.get("limit", 0)):
                collection.delete(key)
                number += 1
        return {"n": number}

    def _aggregate(self, command: Document, _sequence: list[bytes]) -> bytes:
        def lookup(name: str) -> Collection:
            return self.collection(f"{command['$db']}.{name}")

        documents = aggregate(self._of(command), command["pipeline"], lookup)
        return cursor_reply(_namespace(command), [bson.encode(document) for document in documents])

    def _count(self, command: Document, _sequence: list[bytes]) -> Document:
        return {"n": self._of(command).count(command.get("query") or {})}

    def _distinct(self, command: Document, _sequence: list[bytes]) -> Document:
        collection = self._of(command)
        keys = collection.find(command.get("query") or {})
        values = (bson.decode(collection.records[key]).get(command["key"]) for key in keys)
        return {"values": list({hashable(value): value for value in values}.values())}

    def _create_indexes(self, command: Document, _sequence: list[bytes]) -> Document:
        collection = self._of(command)
        before = len(collection.declared)
        for spec in command["indexes"]:
            collection.declare({"v": 2, **spec})
        return {"numIndexesBefore": before, "numIndexesAfter": len(collection.declared)}

    def _list_indexes(self, command: Document, _sequence: list[bytes]) -> bytes:
        namespace = _namespace(command)
        if namespace not in self._collections:
            return _failure(26, "NamespaceNotFound", f"ns does not exist: {namespace}")
        specs = self._collections[namespace].declared.values()
        return cursor_reply(namespace, [bson.encode(spec) for spec in specs])

    def _list_collections(self, command: Document, _sequence: list[bytes]) -> bytes:
        prefix = f"{command['$db']}."
        names = [name.removeprefix(prefix) for name in self._collections if name.startswith(prefix)]
        documents = [
            bson.encode({"name": name, "type": "collection", "options": {}, "info": {}})
            for name in names
        ]
        return cursor_reply(f"{prefix}$cmd.listCollections", documents)

    def _drop(self, command: Document, _sequence: list[bytes]) -> Document:
        self._collections.pop(_namespace(command), None)
        return {}

    def _drop_database(self, command: Document, _sequence: list[bytes]) -> Document:
        prefix = f"{command['$db']}."
        for name in [name for name in self._collections if name.startswith(prefix)]:
            del self._collections[name]
        return {}

    def _fine(self, _command: Document, _sequence: list[bytes]) -> Document:
        return {}

    def _hello(self, _command: Document, _sequence: list[bytes]) -> Document:
        return {
            "helloOk": True,
            "isWritablePrimary": True,
            "ismaster": True,
            "secondary": False,
            "setName": set_name,
            "setVersion": 1,
            "hosts": [self._address],
            "primary": self._address,
            "me": self._address,
            "electionId": ObjectId("7fffffff0000000000000001"),
            "maxBsonObjectSize": 16 * 1024 * 1024,
            "maxMessageSizeBytes": 48_000_000,
            "maxWriteBatchSize": 100_000,
            "localTime": dt.datetime.now(dt.UTC),
            "logicalSessionTimeoutMinutes": 30,
            "connectionId": 1,
            "minWireVersion": 0,
            "maxWireVersion": 21,
            "readOnly": False,
        }

    def _build_info(self, _command: Document, _sequence: list[bytes]) -> Document:
        return {"version": "7.0.0", "versionArray": [7, 0, 0, 0], "modules": ["memory stand-in"]}


def _namespace(command: Document) -> str:
    return f"{command['$db']}.{next(iter(command.values()))}"


def _failure(code: int, name: str, message: str) -> bytes:
    return bson.encode({"ok": 0.0, "errmsg": message, "code": code, "codeName": name})


def _written(number: int, errors: list[Document]) -> Document:
    return {"n": number, "writeErrors": errors} if errors else {"n": number}


def _write_error(position: int, error: DuplicateKeyError) -> Document:
    return {
        "index": position,
        "code": 11000,
        "keyPattern": error.pattern,
        "keyValue": error.value,
        "errmsg": str(error),
    }


def _one_changed(
    collection: Collection, command: Document, key: Any
) -> tuple[Document | None, Document | None, Document]:
    """Before, after and what is said of it, of a findAndModify."""
    if key is None and not command.get("upsert"):
        return None, None, {"n": 0, "updatedExisting": False}
    if key is None:
        after = _upserted(collection, command["query"], command["update"])
        return None, after, {"n": 1, "updatedExisting": False, "upserted": after["_id"]}
    before = bson.decode(collection.records[key])
    if command.get("remove"):
        collection.delete(key)
        return before, None, {"n": 1}
    after = updated(before, command["update"])
    collection.replace(key, before, after)
    return before, after, {"n": 1, "updatedExisting": True}


def _upserted(collection: Collection, query: Document, update: Any) -> Document:
    fixed = {
        name: wanted
        for name, wanted in query.items()
        if not name.startswith("$") and not isinstance(wanted, dict)
    }
    document = updated(fixed, update, inserting=True)
    document = {"_id": document.get("_id", ObjectId()), **document}
    collection.insert(bson.encode(document), document)
    return document


def _updated_by(
    collection: Collection, statement: Document, position: int, reply: Document
) -> None:
    keys = collection.find(statement["q"], limit=0 if statement.get("multi") else 1)
    for key in keys:
        before = bson.decode(collection.records[key])
        after = updated(before, statement["u"])
        reply["n"] += 1
        if after != before:
            collection.replace(key, before, after)
            reply["nModified"] += 1
    if not keys and statement.get("upsert"):
        document = _upserted(collection, statement["q"], statement["u"])
        reply["n"] += 1
        upserted = {"index": Int64(position), "_id": document["_id"]}
        reply.setdefault("upserted", []).append(upserted)
