"""Lists of polls: filtered, sorted, paged by cursors that stay put while polls are created."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.foundation.concurrency.batching import Batcher, Entry
from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.models import CLOSED, OPEN, PUBLIC, Poll, fold
from quickpoll.results.bodies import PollQuery
from quickpoll.results.cursors import read_cursor, write_cursor

_SORT_KEYS = {
    "newest": [("createdAt", -1), ("_id", -1)],
    "popular": [("likes", -1), ("createdAt", -1), ("_id", -1)],
}
_CURSOR_KEYS = ("likes", "createdAt", "_id")


@dataclass(frozen=True, slots=True)
class Page:
    """The polls of a page, and the cursor of the next (``None`` on the last)."""

    poll_ids: list[str]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page of which list: of all public polls, or of one user's."""

    query: PollQuery
    user_id: str | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """The same for the same page."""
        query = self.query
        parts = query.limit, query.cursor, query.status, query.q, query.sort
        return self.user_id, *parts


class PollListing:
    """Finds pages of polls through the indexes on the model.

    Most ask for the same first page: requests that arrive together share one reading, which
    begins after the last of them has asked.
    """

    def __init__(self, engine: AIOEngine) -> None:
        self._polls = engine.get_collection(Poll)
        self._batcher: Batcher[Wanted, Page] = Batcher(
            "lists", self._read_batch, capacity=100_000, workers=4
        )

    def start(self) -> None:
        """Start reading."""
        self._batcher.start()

    async def aclose(self) -> None:
        """Answer what waits, then end."""
        await self._batcher.aclose()

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
        query, name = wanted.query, f"{wanted.query.sort} {wanted.user_id or PUBLIC}"
        found = await self._polls.aggregate(pipeline(wanted, datetime.now(UTC))).to_list(None)
        page = found[: query.limit]
        more = len(found) > query.limit
        return Page([str(one["_id"]) for one in page], _cursor(name, page[-1]) if more else None)


def pipeline(wanted: Wanted, now: datetime) -> list[Document]:
    """How MongoDB finds a page, and one poll more to know whether there is a next.

    First what the index orders by, then what is judged by its other keys. MongoDB makes one scan
    of the index of it, without a sort, and fetches no document for a text that is not in it;
    a simpler database takes the first condition to the index and filters what that finds.
    """
    query, user = wanted.query, wanted.user_id
    which = {"visibility": PUBLIC} if user is None else {"userId": ObjectId(user)}
    bound, after = _after(f"{query.sort} {user or PUBLIC}", query)
    keys = dict(_SORT_KEYS[query.sort])
    return [
        {"$match": {**which, **bound}},
        {"$match": {**after, **_filters(query, now)}},
        {"$sort": keys},
        {"$limit": query.limit + 1},
        {"$project": dict.fromkeys(keys, 1)},
    ]


def _filters(query: PollQuery, now: datetime) -> Document:
    every: list[Document] = []
    if query.status == OPEN:
        every.append({"status": OPEN, "closesAt": {"$not": {"$lte": now}}})
    elif query.status == CLOSED:
        every.append({"$or": [{"status": CLOSED}, {"closesAt": {"$lte": now}}]})
    if query.q:
        every.append({"folded": {"$regex": re.escape(fold(query.q))}})
    return {"$and": every} if every else {}


def _after(list_name: str, query: PollQuery) -> tuple[Document, Document]:
    """What comes after the cursor in the order of the list (keyset paging): where the index is
    entered, and what that lets through too much."""
    if query.cursor is None:
        return {}, {}
    place = dict(zip(_CURSOR_KEYS, read_cursor(list_name, query.cursor), strict=True))
    names = [name for name, _ in _SORT_KEYS[query.sort]]
    alternatives = []
    for rank, name in enumerate(names):
        same = {other: place[other] for other in names[:rank]}
        alternatives.append({**same, name: {"$lt": place[name]}})
    return {names[0]: {"$lte": place[names[0]]}}, {"$or": alternatives}


def _cursor(list_name: str, last: Document) -> str:
    return write_cursor(list_name, last.get("likes", 0), last["createdAt"], last["_id"])
