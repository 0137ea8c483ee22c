"""Aggregation pipelines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bson
from bson import ObjectId

from bench.memory_mongo.collection import Collection
from bench.memory_mongo.expressions import evaluate
from bench.memory_mongo.query import matches
from bench.memory_mongo.values import Document, UnsupportedError, first_at_path, hashable, ordered

Lookup = Callable[[str], Collection]


def aggregate(collection: Collection, pipeline: list[Document], lookup: Lookup) -> list[Document]:
    """The documents that a pipeline yields."""
    covered = _covered(collection, pipeline)
    if covered is not None:
        return covered
    query: Document = {}
    stages = list(pipeline)
    if stages and "$match" in stages[0]:
        query = stages.pop(0)["$match"]
    documents = [bson.decode(collection.records[key]) for key in collection.find(query)]
    return _run(documents, stages, lookup)


def _covered(collection: Collection, pipeline: list[Document]) -> list[Document] | None:
    """Counting by filter, or by one field of an index, without reading documents."""
    names = [next(iter(stage)) for stage in pipeline]
    query = pipeline[0]["$match"] if names[:1] == ["$match"] else {}
    rest = pipeline[1:] if names[:1] == ["$match"] else pipeline
    if len(rest) != 1:
        return None
    if "$count" in rest[0]:
        number = collection.count(query)
        return [{rest[0]["$count"]: number}] if number else []
    group = rest[0].get("$group")
    if group is None or list(group.values())[1:] != [{"$sum": 1}]:
        return None
    output = list(group)[1]
    if isinstance(group["_id"], str) and group["_id"].startswith("$"):
        sizes = collection.group_sizes(query, group["_id"][1:])
        if sizes is None:
            return None
        return [{"_id": _restored(value), output: n} for value, n in sizes.items() if n]
    if group["_id"] in (None, 1):
        number = collection.count(query)
        return [{"_id": group["_id"], output: number}] if number else []
    return None


def _restored(value: Any) -> Any:
    return ObjectId(value) if isinstance(value, bytes) and len(value) == 12 else value


def _run(documents: list[Document], stages: list[Document], lookup: Lookup) -> list[Document]:
    for stage in stages:
        name, operand = next(iter(stage.items()))
        if name == "$unionWith":
            documents = documents + aggregate(lookup(operand["coll"]), operand["pipeline"], lookup)
        elif name in _stages:
            documents = _stages[name](documents, operand)
        else:
            raise UnsupportedError(name)
    return documents


def _group(documents: list[Document], operand: Document) -> list[Document]:
    groups: dict[Any, tuple[Any, list[Document]]] = {}
    for document in documents:
        identity = evaluate(operand["_id"], document)
        groups.setdefault(hashable(identity), (identity, []))[1].append(document)
    return [
        {"_id": identity}
        | {
            name: _accumulated(next(iter(how)), next(iter(how.values())), members)
            for name, how in operand.items()
            if name != "_id"
        }
        for identity, members in groups.values()
    ]


def _accumulated(operator: str, expression: Any, members: list[Document]) -> Any:
    values = [evaluate(expression, member) for member in members]
    present = [value for value in values if value is not None]
    known: dict[str, Callable[[], Any]] = {
        "$sum": lambda: sum(value for value in present if isinstance(value, int | float)),
        "$avg": lambda: sum(present) / len(present) if present else None,
        "$first": lambda: values[0],
        "$last": lambda: values[-1],
        "$max": lambda: max(present, key=ordered, default=None),
        "$min": lambda: min(present, key=ordered, default=None),
        "$push": lambda: values,
        "$addToSet": lambda: list({hashable(value): value for value in values}.values()),
    }
    if operator not in known:
        raise UnsupportedError(operator)
    return known[operator]()


def _unwind(documents: list[Document], operand: Any) -> list[Document]:
    path = (operand if isinstance(operand, str) else operand["path"])[1:]
    return [
        {**document, path: item} for document in documents for item in (document.get(path) or [])
    ]


def project(document: Document, operand: Document) -> Document:
    """The fields of a document that a projection keeps or makes."""
    keeps = any(value not in (0, False) for name, value in operand.items() if name != "_id")
    if not keeps and not (list(operand) == ["_id"] and operand["_id"]):
        return {name: value for name, value in document.items() if operand.get(name, 1)}
    result = {}
    if operand.get("_id", 1) and "_id" in document:
        result["_id"] = document["_id"]
    for name, value in operand.items():
        if value in (1, True):
            _keep(document, name, result)
        elif value not in (0, False):
            result[name] = evaluate(value, document)
    return result


def _keep(document: Document, path: str, result: Document) -> None:
    """Take what is at a dotted path of documents into the result."""
    head, _, rest = path.partition(".")
    if head not in document:
        return
    if not rest:
        result[head] = document[head]
    elif isinstance(document[head], dict):
        _keep(document[head], rest, result.setdefault(head, {}))


def _sort(documents: list[Document], operand: Document) -> list[Document]:
    for field, direction in reversed(operand.items()):
        documents.sort(
            key=lambda document: ordered(first_at_path(document, field)), reverse=direction == -1
        )
    return documents


_stages: dict[str, Callable[[list[Document], Any], list[Document]]] = {
    "$match": lambda documents, query: [doc for doc in documents if matches(doc, query)],
    "$group": _group,
    "$unwind": _unwind,
    "$sort": _sort,
    "$limit": lambda documents, number: documents[:number],
    "$skip": lambda documents, number: documents[number:],
    "$count": lambda documents, name: [{name: len(documents)}] if documents else [],
    "$project": lambda documents, fields: [project(doc, fields) for doc in documents],
    "$addFields": lambda documents, fields: [
        doc | {name: evaluate(value, doc) for name, value in fields.items()} for doc in documents
    ],
    "$set": lambda documents, fields: [
        doc | {name: evaluate(value, doc) for name, value in fields.items()} for doc in documents
    ],
}
