"""Aggregation expressions, the few that counting needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from bench.memory_mongo.values import Document, UnsupportedError, first_at_path, hashable, ordered


def evaluate(expression: Any, document: Document) -> Any:
    """The value of an aggregation expression for a document."""
    if isinstance(expression, str) and expression.startswith("$"):
        return _variable(expression, document)
    if isinstance(expression, list):
        return [evaluate(item, document) for item in expression]
    if not isinstance(expression, dict):
        return expression
    operator = next(iter(expression), "")
    if not operator.startswith("$"):
        return {name: evaluate(item, document) for name, item in expression.items()}
    return _apply(operator, expression[operator], document)


def _variable(expression: str, document: Document) -> Any:
    if expression in ("$$ROOT", "$$CURRENT"):
        return document
    if expression == "$$NOW":
        return dt.datetime.now(dt.UTC).replace(tzinfo=None)
    if expression.startswith("$$"):
        raise UnsupportedError(expression)
    return first_at_path(document, expression[1:])


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[list[Any]], bool]:
    return lambda values: test(ordered(values[0]), ordered(values[1]))


_functions: dict[str, Callable[[Any], Any]] = {
    "$add": lambda values: sum(value or 0 for value in values),
    "$subtract": lambda values: values[0] - values[1],
    "$multiply": lambda values: values[0] * values[1],
    "$divide": lambda values: values[0] / values[1],
    "$mod": lambda values: values[0] % values[1],
    "$floor": lambda value: int(_only(value) // 1),
    "$size": lambda value: len(_only(value)),
    "$max": lambda values: max((v for v in values if v is not None), key=ordered, default=None),
    "$min": lambda values: min((v for v in values if v is not None), key=ordered, default=None),
    "$eq": lambda values: hashable(values[0]) == hashable(values[1]),
    "$ne": lambda values: hashable(values[0]) != hashable(values[1]),
    "$gt": _compare(lambda left, right: left > right),
    "$gte": _compare(lambda left, right: left >= right),
    "$lt": _compare(lambda left, right: left < right),
    "$lte": _compare(lambda left, right: left <= right),
    "$and": all,
    "$or": any,
    "$not": lambda value: not _only(value),
    "$ifNull": lambda values: next((v for v in values if v is not None), None),
    "$arrayElemAt": lambda values: values[0][values[1]] if values[0] else None,
    "$in": lambda values: hashable(values[0]) in [hashable(item) for item in values[1]],
    "$toLong": lambda value: _milliseconds(_only(value)),
}


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _milliseconds(value: Any) -> int:
    if isinstance(value, dt.datetime):
        return int((value - dt.datetime(1970, 1, 1)).total_seconds() * 1000)
    return int(value)


def _apply(operator: str, operand: Any, document: Document) -> Any:
    if operator == "$literal":
        return operand
    if operator == "$cond":
        return _condition(operand, document)
    if operator not in _functions:
        raise UnsupportedError(operator)
    return _functions[operator](evaluate(operand, document))


def _condition(operand: Any, document: Document) -> Any:
    test, yes, no = (
        (operand["if"], operand["then"], operand["else"]) if isinstance(operand, dict) else operand
    )
    return evaluate(yes if evaluate(test, document) else no, document)
