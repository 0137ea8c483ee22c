"""How a list is read: by which index, from where to where. Pure, no I/O.

A list is read in parts, from the top until a page is full. Each part is one scan of an index,
entered by values that are equal and one range behind them, so that it costs what it holds: on
MongoDB, and on the embedded database, which takes nothing else to an index, reads a part to its end
whatever limit it is given, and takes some 25 µs a poll. :mod:`.sample` says where to cut. What few
polls have (a reference in the context, having been closed lately) is read by the index of that
instead, and sorted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.models import CLOSED, OPEN, PUBLIC, SAMPLE_RATE, UNLISTED, context_pairs, fold
from quickpoll.results.bodies import PollQuery
from quickpoll.results.ranges import Place, ranges
from quickpoll.results.sample import Sample

ORDERS = {"newest": ("createdAt",), "popular": ("likes", "createdAt")}
"""What each order goes by, before the id; all of it descends."""

FEW = 1000
"""So many polls are read and sorted at once: some 30 ms on the embedded database."""

LARGEST_PART = 16
"""Sampled polls between two cuts at most: a thousand polls."""

MOST_PASSED = 32
"""Sampled polls that one page may pass: some 2,000 polls, 0.06 s on the embedded database. A page
for which more would have to be read ends there, and the next goes on."""

_BEFORE_ALL = datetime.fromtimestamp(0, UTC)
_INSTANT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page of which list: of all polls, or of one user's."""

    query: PollQuery
    user_id: str | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """The same for the same page."""
        return self.user_id, self.query.model_dump_json()

    @property
    def list_name(self) -> str:
        """The list that a cursor belongs to."""
        return f"{self.query.sort} {self.user_id or self.query.visibility or PUBLIC}"

    @property
    def order(self) -> tuple[str, ...]:
        """The keys of the list's order, before the id."""
        return ORDERS[self.query.sort]

    def owner(self) -> list[Document]:
        """Whose polls: any of these."""
        if self.user_id is not None:
            return [{"userId": ObjectId(self.user_id)}]
        visible = (PUBLIC, UNLISTED) if self.query.visibility else (PUBLIC,)
        return [{"visibility": one} for one in visible]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read a list.

    ``entries`` are read one after the other for each part: a poll that is closed in between is
    then found twice rather than not at all. ``overdue`` finds those whose deadline nobody has
    written down yet: few, and read as a whole.
    """

    entries: list[Document]
    filters: list[Document]
    in_parts: bool
    overdue: list[Document] | None = None


def plan(wanted: Wanted, sample: Sample, now: datetime) -> Plan | None:
    """How to read a list at that moment; ``None`` where nothing can be in it."""
    query = wanted.query
    if query.status == OPEN and query.closed_since is not None:
        return None
    closed = query.status == CLOSED or query.closed_since is not None
    states = [OPEN] if query.status == OPEN else [CLOSED] if closed else [OPEN, CLOSED]
    owner, texts = wanted.owner(), _texts(query)
    filters = [*_moments(query, now), *texts]
    overdue = _overdue(query.closed_since, now, [{"$or": owner}, *texts]) if closed else None
    entry, estimate = _rarest(query, sample)
    others = [*filters, {"$or": owner}, {"status": {"$in": states}}]
    if entry is not None and estimate <= FEW:
        return Plan([entry], others, False, overdue)
    if entry is not None and "contextPairs" in entry and query.sort == "newest":
        return Plan([entry], others, True, overdue)
    return Plan(
        [{**one, "status": state} for one in owner for state in states], filters, True, overdue
    )


def parts(
    order: tuple[str, ...], places: list[Place], start: Place | None, limit: int
) -> Iterator[tuple[int, Place | None, Iterator[Document]]]:
    """The parts of a list from a place on, as sampled polls passed, lower end and ranges."""
    below = places if start is None else [place for place in places if place < start]
    step, at, upto = 1 + limit // SAMPLE_RATE, 0, start
    while at + step <= len(below):
        at += step
        lower = below[at - 1]
        yield at, lower, ranges(order, lower, upto)
        upto, step = lower, min(2 * step, LARGEST_PART)
    yield len(below), None, ranges(order, None, upto)


def after(order: tuple[str, ...], place: Place, poll_id: ObjectId) -> Document:
    """What comes after a poll in the order of the list (keyset paging)."""
    names, values = (*order, "_id"), (*place, poll_id)
    alternatives = []
    for rank, name in enumerate(names):
        same = dict(zip(names[:rank], values, strict=False))
        alternatives.append({**same, name: {"$lt": values[rank]}})
    return {"$or": alternatives}


def stages(
    entry: Document, filters: list[Document], order: tuple[str, ...], limit: int
) -> list[Document]:
    """How the database reads one part: the entry first, which is all that the embedded one takes to
    an index; MongoDB makes one condition of both."""
    keys = dict.fromkeys((*order, "_id"), -1)
    return [
        {"$match": entry},
        *([{"$match": {"$and": filters}}] if filters else []),
        {"$sort": keys},
        {"$limit": limit},
        {"$project": dict.fromkeys(keys, 1)},
    ]


def joined(entries: list[Document]) -> list[Document]:
    """The same in fewer: what differs by status alone is one entry, where no range follows."""
    found: dict[str, list[Document]] = {}
    for entry in entries:
        others = {name: value for name, value in entry.items() if name != "status"}
        found.setdefault(repr(others), []).append(entry)
    return [_any_status(alike) if len(alike) > 1 else alike[0] for alike in found.values()]


def _any_status(alike: list[Document]) -> Document:
    return {**alike[0], "status": {"$in": [one["status"] for one in alike]}}


def _texts(query: PollQuery) -> list[Document]:
    found: list[Document] = [{"contextPairs": pair} for pair in context_pairs(query.context)]
    if query.q:
        found.append({"folded": {"$regex": re.escape(fold(query.q))}})
    return found


def _moments(query: PollQuery, now: datetime) -> list[Document]:
    if query.status == OPEN:
        return [{"closesAt": {"$not": {"$lte": now}}}]
    return [{"closedAt": {"$gte": query.closed_since}}] if query.closed_since else []


def _overdue(since: datetime | None, now: datetime, others: list[Document]) -> list[Document]:
    from_then = max(since - _INSTANT, _BEFORE_ALL) if since else _BEFORE_ALL
    return [{"status": OPEN, "closesAt": {"$gt": from_then, "$lte": now}}, *others]


def _rarest(query: PollQuery, sample: Sample) -> tuple[Document | None, int]:
    """Of the conditions with an index of their own the one that leaves least, and how much."""
    found = [_with_pair(pair, sample) for pair in context_pairs(query.context)]
    if query.closed_since is not None:
        since = max(query.closed_since - _INSTANT, _BEFORE_ALL)
        estimate = sample.estimate(lambda row: (row.get("closedAt") or _BEFORE_ALL) > since)
        found.append((estimate, {"status": CLOSED, "closedAt": {"$gt": since}}))
    estimate, entry = min(found, key=lambda one: one[0], default=(0, None))
    return entry, estimate


def _with_pair(pair: str, sample: Sample) -> tuple[int, Document]:
    estimate = sample.estimate(lambda row: pair in row.get("contextPairs", ()))
    return estimate, {"contextPairs": pair}


def key_of(row: Document, order: tuple[str, ...]) -> tuple[Any, ...]:
    """Where a row stands in the order of the list."""
    return (*(row[name] for name in order), row["_id"])
