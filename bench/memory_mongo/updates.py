"""Update operators: a document as it is after an update."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from bench.memory_mongo.expressions import evaluate
from bench.memory_mongo.values import Document, UnsupportedError, hashable, ordered


def updated(document: Document, update: Any, *, inserting: bool = False) -> Document:
    """A new document: the old one after ``update`` (operators, replacement or pipeline)."""
    if isinstance(update, list):
        return _piped(document, update)
    if not any(name.startswith("$") for name in update):
        identity = {"_id": document["_id"]} if "_id" in document else {}
        return {**identity, **update}
    result: Document = _copied(document)
    for operator, fields in update.items():
        if operator == "$setOnInsert" and not inserting:
            continue
        if operator not in _operators:
            raise UnsupportedError(operator)
        for path, operand in fields.items():
            holder, name = _holder(result, path)
            _operators[operator](holder, name, operand)
    return result


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _piped(document: Document, stages: list[Document]) -> Document:
    result: Document = _copied(document)
    for stage in stages:
        for operator, fields in stage.items():
            if operator in ("$set", "$addFields"):
                values = {path: evaluate(item, result) for path, item in fields.items()}
                for path, value in values.items():
                    holder, name = _holder(result, path)
                    holder[name] = value
            elif operator == "$unset":
                for path in [fields] if isinstance(fields, str) else fields:
                    holder, name = _holder(result, path)
                    holder.pop(name, None)
            else:
                raise UnsupportedError(operator)
    return result


def _holder(document: Document, path: str) -> tuple[Any, Any]:
    *parents, name = path.split(".")
    holder: Any = document
    for parent in parents:
        holder = holder[int(parent)] if isinstance(holder, list) else holder.setdefault(parent, {})
    return holder, int(name) if isinstance(holder, list) else name


def _set(holder: Any, name: Any, operand: Any) -> None:
    holder[name] = operand


def _increase(holder: Any, name: Any, operand: Any) -> None:
    holder[name] = (holder.get(name) or 0) + operand


def _push(holder: Any, name: Any, operand: Any) -> None:
    many = isinstance(operand, dict) and "$each" in operand
    holder.setdefault(name, []).extend(operand["$each"] if many else [operand])


def _add_to_set(holder: Any, name: Any, operand: Any) -> None:
    members = holder.setdefault(name, [])
    many = isinstance(operand, dict) and "$each" in operand
    for item in operand["$each"] if many else [operand]:
        if hashable(item) not in [hashable(member) for member in members]:
            members.append(item)


def _pull(holder: Any, name: Any, operand: Any) -> None:
    kept = [item for item in holder.get(name, []) if hashable(item) != hashable(operand)]
    holder[name] = kept


def _extreme(choose: Callable[..., Any]) -> Callable[[Any, Any, Any], None]:
    def apply(holder: Any, name: Any, operand: Any) -> None:
        holder[name] = choose(holder[name], operand, key=ordered) if name in holder else operand

    return apply


def _now(holder: Any, name: Any, _operand: Any) -> None:
    holder[name] = dt.datetime.now(dt.UTC).replace(tzinfo=None)


_operators: dict[str, Callable[[Any, Any, Any], Any]] = {
    "$set": _set,
    "$setOnInsert": _set,
    "$unset": lambda holder, name, _: holder.pop(name, None),
    "$inc": _increase,
    "$push": _push,
    "$addToSet": _add_to_set,
    "$pull": _pull,
    "$max": _extreme(max),
    "$min": _extreme(min),
    "$currentDate": _now,
}
