"""Ranges of a list's order, as conditions that one scan of an index answers: pure, no I/O.

A *place* is a value for each key of an order that descends in all of them: ``(createdAt,)`` or
``(likes, createdAt)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from quickpoll.foundation.stores.mongo import Document

Place = tuple[Any, ...]


def ranges(names: Sequence[str], below: Place | None, upto: Place | None) -> Iterator[Document]:
    """What stands after ``below`` and not after ``upto``, in parts, the highest first.

    ``None`` is no bound. Only the last key of a part is a range, and a lower bound is never
    included: the embedded database reads one range behind equal keys from an index, and misses
    what equals a lower bound that includes it (a key that descends, of several).
    """
    name, rest = names[0], names[1:]
    if below is None and upto is None:
        yield {}
    elif not rest:
        bounds = {"$gt": below and below[0], "$lte": upto and upto[0]}
        yield {name: {sign: bound for sign, bound in bounds.items() if bound is not None}}
    elif below is not None and upto is not None and below[0] == upto[0]:
        yield from _equal(name, upto[0], ranges(rest, below[1:], upto[1:]))
    else:
        yield from _apart(names, below, upto)


def _apart(names: Sequence[str], below: Place | None, upto: Place | None) -> Iterator[Document]:
    """Where the first keys (whole numbers) differ: the rest of the upper one, what is between, the
    beginning of the lower one."""
    name, rest, between = names[0], names[1:], dict[str, int]()
    if upto is not None:
        yield from _equal(name, upto[0], ranges(rest, None, upto[1:]))
        between["$lte"] = upto[0] - 1
    if below is not None:
        between["$gt"] = below[0]
    if len(between) < 2 or between["$gt"] < between["$lte"]:
        yield {name: between}
    if below is not None:
        yield from _equal(name, below[0], ranges(rest, below[1:], None))


def _equal(name: str, value: Any, parts: Iterator[Document]) -> Iterator[Document]:
    return ({name: value, **one} for one in parts)
