"""As much of MongoDB as the stores use, in memory: documents, unique indexes, updates, queries.

Each operation happens at once, where the stage gives it its turn; what was sent may also stay on
the wire, its sender told that nobody answers, and land at any later moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from copy import deepcopy
from typing import Any

from bson import ObjectId
from pymongo.errors import BulkWriteError, DuplicateKeyError, NetworkTimeout, PyMongoError

from tests.model.explorer import Outcome, Stage
from tests.model.state_key import digest

Document = dict[str, Any]

limit: ContextVar[float] = ContextVar("limit", default=float("inf"))

unique: dict[str, list[tuple[str, ...]]] = {
    "vote": [("userId", "pollId")],
    "like": [("userId", "pollId")],
    "poll_change": [("pollId", "revision")],
}


class MemoryMongo:
    """Collections by name, and what is on the wire."""

    def __init__(self, stage: Stage, steps: frozenset[str], *, late: bool = False) -> None:
        """``steps``: operations (``vote.insert_many``) that wait for a turn; the others happen at
        once. ``late``: an operation that was sent in time may be answered late."""
        self.stage = stage
        self.steps = steps
        self.late = late
        self.wire: list[tuple[str, Callable[[], Any]]] = []
        self._collections: dict[str, MemoryCollection] = {}

    def __getitem__(self, name: str) -> MemoryCollection:
        return self._collections.setdefault(name, MemoryCollection(name, self))

    def get_collection(self, model: Any) -> MemoryCollection:
        """As the ODM's engine has it."""
        return self[model.__collection__]

    def land(self, place: int) -> None:
        """What is on the wire arrives, and nobody hears what comes of it."""
        _, act = self.wire.pop(place)
        with suppress(PyMongoError):
            act()

    async def operate(self, name: str, act: Callable[[], Any], detail: Any = "") -> Any:
        """Carry out an operation when its turn comes. Raises what it raises."""
        said = f"{name} {digest(detail)}"
        if self.stage.loop.time() > limit.get():
            raise NetworkTimeout("no time left")
        if name not in self.steps:
            await self.stage.alive()
            try:
                answer = act()
            except PyMongoError as error:
                self.stage.hear(said, type(error).__name__)
                raise
            self.stage.hear(said, answer)
            return answer
        before = self.stage.loop.time()

        def in_time() -> Any:
            if self.stage.loop.time() > max(limit.get(), before) and not self.late:
                raise NetworkTimeout("asleep for too long")
            return act()

        def fail(outcome: Outcome) -> Exception:
            if outcome is Outcome.SENT:
                self.wire.append((name, act))
            return NetworkTimeout("no answer")

        return await self.stage.step(said, in_time, fail)


@contextmanager
def time_limit(seconds: float) -> Any:
    """One time limit over several operations, in the time of the stage."""
    stage_time = _now()
    token = limit.set(min(limit.get(), stage_time + seconds))
    try:
        yield
    finally:
        limit.reset(token)


def _now() -> float:
    import asyncio

    return asyncio.get_running_loop().time()


class MemoryCollection:
    """The documents of one collection."""

    def __init__(self, name: str, mongo: MemoryMongo) -> None:
        self.name = name
        self.documents: list[Document] = []
        self._mongo = mongo
        self._unique = [("_id",), *unique.get(name, [])]

    def find(self, query: Document, *_: Any) -> MemoryCursor:
        """A query that is carried out when its documents are asked for."""
        return MemoryCursor(self, query)

    async def find_one(self, query: Document, *_: Any) -> Document | None:
        found = await self.find(query).to_list(1)
        return found[0] if found else None

    async def count_documents(self, query: Document) -> int:
        return int(await self.operate("count_documents", lambda: len(self.matching(query)), query))

    async def insert_one(self, document: Document) -> None:
        await self.operate("insert_one", lambda: self._insert(document))

    async def insert_many(self, documents: list[Document], *, ordered: bool) -> None:
        await self.operate("insert_many", lambda: self._bulk(documents, self._insert))

    async def update_one(
        self, query: Document, update: Document, *, upsert: bool = False
    ) -> MemoryResult:
        return _result(
            await self.operate("update_one", lambda: self._update(query, update, upsert))
        )

    async def find_one_and_update(
        self, query: Document, update: Document, *, upsert: bool, return_document: bool
    ) -> Document:
        """Answers the document as it is afterwards."""

        def act() -> Document:
            self._update(query, update, upsert)
            return self.matching(query)[0]

        return dict(await self.operate("find_one_and_update", act))

    async def bulk_write(self, operations: list[Any], *, ordered: bool) -> MemoryResult:
        return _result(
            await self.operate("bulk_write", lambda: self._bulk(operations, self._one_of_bulk))
        )

    async def delete_one(self, query: Document) -> None:
        await self.operate("delete_one", lambda: self._delete(query, 1))

    async def delete_many(self, query: Document) -> None:
        await self.operate("delete_many", lambda: self._delete(query, None))

    def aggregate(self, pipeline: list[Document]) -> MemoryCursor:
        """Counts what matches by one field; no other pipeline is asked for."""
        match, group = pipeline[0]["$match"], pipeline[1]["$group"]
        field = group["_id"].removeprefix("$")
        return MemoryCursor(self, match, field)

    async def operate(self, what: str, act: Callable[[], Any], detail: Any = "") -> Any:
        """Carry it out when its turn comes."""
        return await self._mongo.operate(f"{self.name}.{what}", act, detail)

    def matching(self, query: Document) -> list[Document]:
        return [deepcopy(one) for one in self.documents if _matches(one, query)]

    def alike(self, query: Document, field: str) -> list[Document]:
        found = Counter(tuple(one[field]) for one in self.matching(query))
        return [{"_id": list(key), "ballots": number} for key, number in found.items()]

    def _insert(self, document: Document) -> None:
        for fields in self._unique:
            values = [document.get(field) for field in fields]
            if any([one.get(field) for field in fields] == values for one in self.documents):
                raise DuplicateKeyError("there is one already", 11000)
        self.documents.append(deepcopy(document))

    def _one_of_bulk(self, operation: Any) -> Any:
        if type(operation).__name__ == "DeleteOne":
            return self._delete(operation._filter, 1)
        return self._update(operation._filter, operation._doc, bool(operation._upsert))

    def _bulk(self, operations: Iterable[Any], one: Callable[[Any], Any]) -> list[Any]:
        errors, results = [], []
        for index, operation in enumerate(operations):
            try:
                results.append(one(operation))
            except DuplicateKeyError:
                errors.append({"index": index, "code": 11000})
        if errors:
            raise BulkWriteError({"writeErrors": errors, "writeConcernErrors": []})
        return results

    def _update(self, query: Document, update: Document, upsert: bool) -> tuple[int, Any]:
        for one in self.documents:
            if _matches(one, query):
                _apply(one, update)
                return 1, None
        if not upsert:
            return 0, None
        new = {key: value for key, value in query.items() if not isinstance(value, dict)}
        new.setdefault("_id", ObjectId())
        _apply(new, update)
        new |= deepcopy(update.get("$setOnInsert", {}))
        self._insert(new)
        return 0, new["_id"]

    def _delete(self, query: Document, most: int | None) -> None:
        gone = [one for one in self.documents if _matches(one, query)][:most]
        self.documents = [one for one in self.documents if not any(one is two for two in gone)]


class MemoryCursor:
    """A query."""

    def __init__(self, collection: MemoryCollection, query: Document, field: str = "") -> None:
        self._collection = collection
        self._query = query
        self._field = field

    def limit(self, most: int) -> MemoryCursor:
        return self

    def sort(self, *_: Any) -> MemoryCursor:
        return self

    async def to_list(self, most: int | None) -> list[Document]:
        one = self._collection
        if self._field:
            return list(await one.operate("aggregate", lambda: one.alike(self._query, self._field)))
        return list(await one.operate("find", lambda: one.matching(self._query)))[:most]


class MemoryResult:
    """What became of updates."""

    def __init__(self, matched: int, upserted: dict[int, Any]) -> None:
        self.matched_count = matched
        self.upserted_ids = upserted


def _result(found: Any) -> MemoryResult:
    each = [one or (0, None) for one in (found if isinstance(found, list) else [found])]
    upserted = {place: key for place, (_, key) in enumerate(each) if key is not None}
    return MemoryResult(sum(matched for matched, _ in each), upserted)


def _matches(document: Document, query: Document) -> bool:
    return all(_fits(document.get(field), wanted) for field, wanted in query.items())


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and any(key.startswith("$") for key in wanted):
        return all(_tests[name](value, against) for name, against in wanted.items())
    return bool(value == wanted) or (isinstance(value, list) and wanted in value)


_tests: dict[str, Callable[[Any, Any], bool]] = {
    "$in": lambda value, among: value in among,
    "$ne": lambda value, other: bool(value != other),
    "$lte": lambda value, most: value is not None and bool(value <= most),
    "$lt": lambda value, most: value is not None and bool(value < most),
    "$gt": lambda value, least: value is not None and bool(value > least),
    "$gte": lambda value, least: any(one >= least for one in value),
}


def _apply(document: Document, update: Document) -> None:
    for field, value in update.get("$set", {}).items():
        document[field] = deepcopy(value)
    for field in update.get("$unset", {}):
        document.pop(field, None)
    for field, step in update.get("$inc", {}).items():
        document[field] = document.get(field, 0) + step
    for field, pushed in update.get("$push", {}).items():
        document.setdefault(field, []).extend(deepcopy(pushed["$each"]))
    for field, pulled in update.get("$pull", {}).items():
        document[field] = [
            one
            for one in document.get(field, [])
            if any(one.get(key) != value for key, value in pulled.items())
        ]
