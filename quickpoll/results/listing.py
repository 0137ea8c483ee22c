"""Lists of polls: filtered, sorted, paged by cursors that stay put while polls are created."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.foundation.concurrency.batching import Batcher, Entry
from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.models import Poll
from quickpoll.results.bodies import PollQuery
from quickpoll.results.cursors import LAST_ID, read_cursor, write_cursor
from quickpoll.results.plans import (
    MOST_PASSED,
    Plan,
    Wanted,
    after,
    joined,
    key_of,
    parts,
    plan,
    stages,
)
from quickpoll.results.ranges import Place
from quickpoll.results.sample import Sample


@dataclass(frozen=True, slots=True)
class Page:
    """The polls of a page, and the cursor of the next (``None`` on the last)."""

    poll_ids: list[str]
    cursor: str | None


class PollListing:
    """Finds pages of polls through the indexes on the model.

    Most ask for the same first page: requests that arrive together share one reading, which
    begins after the last of them has asked.
    """

    def __init__(self, engine: AIOEngine) -> None:
        self._polls = engine.get_collection(Poll)
        self._sample = Sample(engine)
        self._batcher: Batcher[Wanted, Page] = Batcher(
            "lists", self._read_batch, capacity=100_000, workers=4
        )

    def start(self) -> None:
        """Start reading."""
        self._batcher.start()
        self._sample.start()

    async def aclose(self) -> None:
        """Answer what waits, then end."""
        await self._batcher.aclose()
        await self._sample.aclose()

    async def public(self, query: PollQuery) -> Page:
        """A page of all public polls."""
        return await self._batcher.submit(Wanted(query))

    async def of_user(self, user_id: str, query: PollQuery) -> Page:
        """A page of one user's polls, unlisted ones included."""
        return await self._batcher.submit(Wanted(query, user_id))

    async def _read_batch(self, batch: list[Entry[Wanted, Page]]) -> None:
        alike: defaultdict[tuple[object, ...], list[Entry[Wanted, Page]]] = defaultdict(list)
        for entry in batch:
            alike[entry.item.key].append(entry)
        await asyncio.gather(*map(self._answer, alike.values()))

    async def _answer(self, entries: list[Entry[Wanted, Page]]) -> None:
        """Read one page for all who have asked for it. An error is theirs alone."""
        try:
            page = await self._page(entries[0].item)
        except Exception as error:
            for entry in entries:
                entry.reject(error)
        else:
            for entry in entries:
                entry.resolve(page)

    async def _page(self, wanted: Wanted) -> Page:
        await self._sample.ready()
        limit, order, now = wanted.query.limit, wanted.order, datetime.now(UTC)
        place, cursor_filter = _start(wanted)
        how = plan(wanted, self._sample, now)
        if how is None:
            return Page([], None)
        found, stopped = await self._walk(how, order, place, cursor_filter, limit + 1)
        page = found[:limit]
        ids = [str(one["_id"]) for one in page]
        if len(found) > limit:
            return Page(ids, _cursor(wanted, key_of(page[-1], order)))
        return Page(ids, _cursor(wanted, (*stopped, LAST_ID)) if stopped else None)

    async def _walk(
        self,
        how: Plan,
        order: tuple[str, ...],
        start: Place | None,
        later: list[Document],
        wanted: int,
    ) -> tuple[list[Document], Place | None]:
        """The first polls from a place on, as many as are wanted, and where the walk has stopped
        short: at ``None`` where it has reached the end, or enough."""
        overdue = await self._overdue(how, order, later, wanted)
        found: dict[ObjectId, Document] = {}
        for passed, lower, ranges in self._parts(how, order, start, wanted):
            for part in ranges:
                for entry in how.entries if part else joined(how.entries):
                    rows = await self._read(
                        {**entry, **part}, [*later, *how.filters], order, wanted
                    )
                    found |= {row["_id"]: row for row in rows}
                if len(found) >= wanted:
                    last = key_of(_sorted(found, order)[wanted - 1], order)
                    found |= {one["_id"]: one for one in overdue if key_of(one, order) > last}
                    return _sorted(found, order)[:wanted], None
            if lower is not None and passed >= MOST_PASSED:
                found |= {one["_id"]: one for one in overdue if key_of(one, order)[:-1] > lower}
                return _sorted(found, order)[:wanted], lower
        found |= {one["_id"]: one for one in overdue}
        return _sorted(found, order)[:wanted], None

    def _parts(
        self, how: Plan, order: tuple[str, ...], start: Place | None, wanted: int
    ) -> Iterator[tuple[int, Place | None, Iterator[Document]]]:
        if not how.in_parts:
            return iter([(0, None, iter([{}]))])
        return parts(order, self._sample.places(order, how.entries), start, wanted)

    async def _overdue(
        self, how: Plan, order: tuple[str, ...], later: list[Document], wanted: int
    ) -> list[Document]:
        if how.overdue is None:
            return []
        entry, *filters = how.overdue
        return await self._read(entry, [*later, *filters], order, wanted)

    async def _read(
        self, entry: Document, filters: list[Document], order: tuple[str, ...], limit: int
    ) -> list[Document]:
        return await self._polls.aggregate(stages(entry, filters, order, limit)).to_list(None)


def _start(wanted: Wanted) -> tuple[Place | None, list[Document]]:
    """Where the page begins, and what that lets through too much."""
    if wanted.query.cursor is None:
        return None, []
    likes, created_at, poll_id = read_cursor(wanted.list_name, wanted.query.cursor)
    at = {"likes": likes, "createdAt": created_at}
    place = tuple(at[name] for name in wanted.order)
    return place, [after(wanted.order, place, poll_id)]


def _cursor(wanted: Wanted, key: tuple[Any, ...]) -> str:
    at = dict(zip((*wanted.order, "_id"), key, strict=True))
    return write_cursor(wanted.list_name, at.get("likes", 0), at["createdAt"], at["_id"])


def _sorted(found: dict[ObjectId, Document], order: tuple[str, ...]) -> list[Document]:
    return sorted(found.values(), key=lambda row: key_of(row, order), reverse=True)
