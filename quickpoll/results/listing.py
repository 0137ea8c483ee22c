"""Lists of polls: filtered, sorted, paged by cursors that stay put while polls are created."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.errors import InvalidRequest, invalid
from quickpoll.foundation.mongo import Document
from quickpoll.polls.models import Poll, closed_status, fold, open_status, public
from quickpoll.results.bodies import PollQuery

epoch = datetime(1970, 1, 1, tzinfo=UTC)

_sort_keys = {
    "newest": [("createdAt", -1), ("_id", -1)],
    "popular": [("likes", -1), ("createdAt", -1), ("_id", -1)],
}


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
        return await self._page({"visibility": public}, query)

    async def of_user(self, user_id: str, query: PollQuery) -> Page:
        """A page of one user's polls, unlisted ones included."""
        return await self._page({"userId": ObjectId(user_id)}, query)

    async def _page(self, which: Document, query: PollQuery) -> Page:
        keys = _sort_keys[query.sort]
        wanted = {**which, **_filters(query, datetime.now(UTC)), **_after(query)}
        fields = {key: 1 for key, _ in keys}
        found = await (
            self._polls.find(wanted, fields).sort(keys).limit(query.limit + 1).to_list(None)
        )
        page = found[: query.limit]
        more = len(found) > query.limit
        return Page(
            [str(one["_id"]) for one in page], _cursor(query.sort, page[-1]) if more else None
        )


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


def _after(query: PollQuery) -> Document:
    """What comes after the cursor in the order of the list (keyset paging)."""
    if query.cursor is None:
        return {}
    values = _read_cursor(query.sort, query.cursor)
    names = [name for name, _ in _sort_keys[query.sort]]
    alternatives = []
    for place, name in enumerate(names):
        same = dict(zip(names[:place], values[:place], strict=True))
        alternatives.append({**same, name: {"$lt": values[place]}})
    first = {names[0]: {"$lte": values[0]}}
    return {**first, "$or": alternatives}


def _cursor(sort: str, last: Document) -> str:
    milliseconds = (last["createdAt"] - epoch) // timedelta(milliseconds=1)
    parts: list[Any] = [sort[0], milliseconds, str(last["_id"])]
    if sort == "popular":
        parts.append(last["likes"])
    return urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def _read_cursor(sort: str, cursor: str) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = orjson.loads(urlsafe_b64decode(padded.encode("ascii")))
        return _cursor_values(sort, parts)
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        if isinstance(error, InvalidRequest):
            raise
        raise invalid("cursor", "is not one that this list has given") from None


def _cursor_values(sort: str, parts: Any) -> list[Any]:
    letter, milliseconds, poll_id, *likes = parts
    if letter != sort[0] or len(likes) != (sort == "popular") or type(milliseconds) is not int:
        raise ValueError("cursor of another list")
    if any(type(one) is not int or abs(one) > 2**53 for one in likes):
        raise ValueError("not a number of likes")
    if not (isinstance(poll_id, str) and re.fullmatch("[0-9a-f]{24}", poll_id)):
        raise ValueError("not an id")
    return [*likes, epoch + timedelta(milliseconds=milliseconds), ObjectId(poll_id)]
