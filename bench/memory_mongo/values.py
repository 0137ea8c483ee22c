"""BSON values as Python keys: to look up by, to compare by, and along dotted paths."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from bson import ObjectId

Document = dict[str, Any]


class UnsupportedError(Exception):
    """The stand-in does not know this operator, stage or expression."""


def hashable(value: Any) -> Any:
    """The value as a dictionary key; an ObjectId as its twelve bytes, which hash in C."""
    if isinstance(value, ObjectId):
        return value.binary
    if isinstance(value, list):
        return tuple(hashable(item) for item in value)
    if isinstance(value, dict):
        return tuple((name, hashable(item)) for name, item in value.items())
    return value


def ordered(value: Any) -> tuple[int, Any]:
    """The value as a sort key, kinds in the order that MongoDB gives them."""
    if value is None:
        return (0, 0)
    if isinstance(value, bool):
        return (7, value)
    if isinstance(value, int | float):
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    if isinstance(value, ObjectId):
        return (6, value.binary)
    if isinstance(value, dt.datetime):
        return (8, value)
    if isinstance(value, bytes):
        return (5, value)
    if isinstance(value, list):
        return (4, tuple(ordered(item) for item in value))
    return (3, repr(value))


def at_path(document: Any, path: str) -> Iterator[Any]:
    """Every value at a dotted path, arrays on the way opened; nothing where it is absent."""
    head, _, rest = path.partition(".")
    if isinstance(document, list):
        if head.isdigit() and int(head) < len(document):
            yield from at_path({head: document[int(head)]}, path)
        for item in document:
            if isinstance(item, dict):
                yield from at_path(item, path)
        return
    if not isinstance(document, dict) or head not in document:
        return
    if rest:
        yield from at_path(document[head], rest)
    else:
        yield document[head]


def first_at_path(document: Document, path: str) -> Any:
    """The first value at a dotted path, or None."""
    if "." not in path:
        return document.get(path)
    return next(at_path(document, path), None)
