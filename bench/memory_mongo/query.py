"""Filters: which documents a query means."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from bson import Regex

from bench.memory_mongo.expressions import evaluate
from bench.memory_mongo.values import Document, UnsupportedError, at_path, hashable, ordered


def matches(document: Document, query: Document) -> bool:
    """Whether the document satisfies the filter."""
    return all(_clause(document, name, wanted) for name, wanted in query.items())


def equalities(query: Document) -> dict[str, list[Any]]:
    """The fields that must equal one of a list of values, for choosing an index."""
    found: dict[str, list[Any]] = {}
    for name, wanted in query.items():
        if name == "$and":
            for part in wanted:
                found.update(equalities(part))
        elif name.startswith("$"):
            continue
        elif not _is_operators(wanted):
            if not isinstance(wanted, Regex | re.Pattern):
                found[name] = [wanted]
        elif "$eq" in wanted:
            found[name] = [wanted["$eq"]]
        elif "$in" in wanted:
            found[name] = list(wanted["$in"])
    return found


def span(query: Document, name: str) -> tuple[Any, Any] | None:
    """The least and the greatest time or text that a field may have, if the filter gives it such
    bounds."""
    wanted = query.get(name)
    if not isinstance(wanted, dict) or not _is_operators(wanted):
        return None
    low = wanted.get("$gte", wanted.get("$gt"))
    high = wanted.get("$lte", wanted.get("$lt"))
    kinds = dt.datetime, str
    return (low, high) if any(isinstance(low, k) and isinstance(high, k) for k in kinds) else None


def only_equalities(query: Document) -> bool:
    """Whether the filter says nothing but equalities and memberships."""
    return all(
        (not name.startswith("$") and not isinstance(wanted, Regex | re.Pattern | list | dict))
        or (_is_operators(wanted) and set(wanted) <= {"$eq", "$in"})
        for name, wanted in query.items()
    )


def _is_operators(wanted: Any) -> bool:
    return isinstance(wanted, dict) and bool(wanted) and next(iter(wanted)).startswith("$")


def _clause(document: Document, name: str, wanted: Any) -> bool:
    if name == "$and":
        return all(matches(document, part) for part in wanted)
    if name == "$or":
        return any(matches(document, part) for part in wanted)
    if name == "$nor":
        return not any(matches(document, part) for part in wanted)
    if name == "$expr":
        return bool(evaluate(wanted, document))
    if name == "$comment":
        return True
    if name.startswith("$"):
        raise UnsupportedError(name)
    return _field(list(at_path(document, name)), wanted)


def _field(values: list[Any], wanted: Any) -> bool:
    if _is_operators(wanted):
        return all(
            _operator(values, operator, operand, wanted)
            for operator, operand in wanted.items()
            if operator != "$options"
        )
    if isinstance(wanted, Regex | re.Pattern):
        return _regex(values, wanted)
    return _equal(values, wanted)


def _spread(values: list[Any]) -> list[Any]:
    """The values, and the members of those that are arrays."""
    return values + [item for value in values if isinstance(value, list) for item in value]


def _equal(values: list[Any], wanted: Any) -> bool:
    key = hashable(wanted)
    if wanted is None and not values:
        return True
    return any(hashable(value) == key for value in _spread(values))


def _regex(values: list[Any], pattern: Any, options: str = "") -> bool:
    if isinstance(pattern, Regex):
        compiled = pattern.try_compile()
    elif isinstance(pattern, str):
        compiled = re.compile(pattern, re.IGNORECASE if "i" in options else 0)
    else:
        compiled = pattern
    return any(isinstance(value, str) and compiled.search(value) for value in _spread(values))


def _comparison(better: Callable[[Any, Any], bool]) -> Callable[[list[Any], Any], bool]:
    def holds(values: list[Any], operand: Any) -> bool:
        bound = ordered(operand)
        keys = [ordered(value) for value in _spread(values)]
        return any(key[0] == bound[0] and better(key[1], bound[1]) for key in keys)

    return holds


_comparisons = {
    "$gt": _comparison(lambda value, bound: value > bound),
    "$gte": _comparison(lambda value, bound: value >= bound),
    "$lt": _comparison(lambda value, bound: value < bound),
    "$lte": _comparison(lambda value, bound: value <= bound),
}


def _operator(values: list[Any], operator: str, operand: Any, wanted: Document) -> bool:
    if operator in _comparisons:
        return _comparisons[operator](values, operand)
    if operator == "$regex":
        return _regex(values, operand, wanted.get("$options", ""))
    known: dict[str, Callable[[], bool]] = {
        "$eq": lambda: _equal(values, operand),
        "$ne": lambda: not _equal(values, operand),
        "$in": lambda: any(_equal(values, item) for item in operand),
        "$nin": lambda: not any(_equal(values, item) for item in operand),
        "$exists": lambda: bool(values) == bool(operand),
        "$not": lambda: not _field(values, operand),
        "$size": lambda: any(isinstance(v, list) and len(v) == operand for v in values),
        "$all": lambda: all(_equal(values, item) for item in operand),
        "$type": lambda: any(_is_type(value, operand) for value in values),
        "$elemMatch": lambda: any(
            matches(item, operand) if isinstance(item, dict) else _field([item], operand)
            for value in values
            if isinstance(value, list)
            for item in value
        ),
    }
    if operator not in known:
        raise UnsupportedError(operator)
    return known[operator]()


def _is_type(value: Any, name: str) -> bool:
    kinds: dict[str, int] = {"null": 0, "int": 1, "long": 1, "double": 1, "string": 2, "date": 8}
    return ordered(value)[0] == kinds.get(name, -1)
