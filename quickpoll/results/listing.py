"""Lists of polls: filtered, sorted, paged by cursors that stay put while polls are created."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.foundation.mongo import Document
from quickpoll.polls.models import Poll, closed_status, fold, open_status, public
from quickpoll.results.bodies import PollQuery
from quickpoll.results.cursors import read_cursor, write_cursor

_sort_keys = {
    "newest": [("createdAt", -1), ("_id", -1)],
    "popular": [("likes", -1), ("createdAt", -1), ("_id", -1)],
}
_cursor_keys = ("likes", "createdAt", "_id")


@dataclass(frozen=True, slots=True)
class Page:
    """The polls of a page, and the cursor of the next (``None`` on the last)."""

    poll_ids: list[str]
    cursor: str | None


class PollListing:
    """Finds pages of polls through the indexes on the model."""

    def __init__(self, engine: AIOEngine) -> None:
        self._polls = engine.get_collection(Poll)

    async def public(self, query: PollQuery) -> Page:
        """A page of all public polls."""
        return await self._page(public, {"visibility": public}, query)

    async def of_user(self, user_id: str, query: PollQuery) -> Page:
        """A page of one user's polls, unlisted ones included."""
        return await self._page(user_id, {"userId": ObjectId(user_id)}, query)

    async def _page(self, whose: str, which: Document, query: PollQuery) -> Page:
        keys = _sort_keys[query.sort]
        name = f"{query.sort} {whose}"
        wanted = {**which, **_filters(query, datetime.now(UTC)), **_after(name, query)}
        fields = {key: 1 for key, _ in keys}
        found = await (
            self._polls.find(wanted, fields).sort(keys).limit(query.limit + 1).to_list(None)
        )
        page = found[: query.limit]
        more = len(found) > query.limit
        return Page([str(one["_id"]) for one in page], _cursor(name, page[-1]) if more else None)


def _filters(query: PollQuery, now: datetime) -> Document:
    every: list[Document] = []
    if query.status == open_status:
        ahead = [{"closesAt": None}, {"closesAt": {"$gt": now}}]
        every.append({"status": open_status, "$or": ahead})
    elif query.status == closed_status:
        past = {"closesAt": {"$ne": None, "$lte": now}}
        every.append({"$or": [{"status": closed_status}, past]})
    if query.q:
        every.append({"folded": {"$regex": re.escape(fold(query.q))}})
    return {"$and": every} if every else {}


def _after(list_name: str, query: PollQuery) -> Document:
    """What comes after the cursor in the order of the list (keyset paging)."""
    if query.cursor is None:
        return {}
    place = dict(zip(_cursor_keys, read_cursor(list_name, query.cursor), strict=True))
    names = [name for name, _ in _sort_keys[query.sort]]
    alternatives = []
    for rank, name in enumerate(names):
        same = {other: place[other] for other in names[:rank]}
        alternatives.append({**same, name: {"$lt": place[name]}})
    first = {names[0]: {"$lte": place[names[0]]}}
    return {**first, "$or": alternatives}


def _cursor(list_name: str, last: Document) -> str:
    return write_cursor(list_name, last.get("likes", 0), last["createdAt"], last["_id"])
