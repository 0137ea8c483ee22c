"""Where polls are, roughly: one in :data:`~quickpoll.polls.models.SAMPLE_RATE` stands for all.

Lists are read in parts of about equal size. A sample says where to cut, and how many polls a
condition leaves. It is a few seconds old, and that makes a part larger or smaller, never wrong: the
parts of a list have no gaps, wherever they are cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from odmantic import AIOEngine
from pymongo import DESCENDING

from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.models import SAMPLE_RATE, Poll
from quickpoll.results.ranges import Place

MOST = 4096
"""Sampled polls that are remembered, the newest: 0.5 kB each. Below the last of them lists are
read in one piece, which costs nothing where the database stops at the end of a page."""

FRESH_SECONDS = 2.0
ROUNDS_UNTIL_ALL = 30
"""New polls are looked for every round, all are read again (likes and states change) now and then,
and nothing while nobody asks for a list."""

OVERLAP = timedelta(seconds=60)
"""Polls are stored a while after the moment that they bear, by clocks that differ a little."""

_FIELDS = ("createdAt", "likes", "visibility", "status", "userId", "closedAt", "contextPairs")


class Sample:
    """The sampled polls."""

    def __init__(self, engine: AIOEngine) -> None:
        self._polls = engine.get_collection(Poll)
        self._loop = Periodic("sample", FRESH_SECONDS, self._round)
        self._rows: dict[Any, Document] | None = None
        self._places: dict[Any, list[Place]] = {}
        self._reading = asyncio.Lock()
        self._rounds = 0
        self._asked_for = False

    def start(self) -> None:
        """Start looking for new polls."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop looking."""
        await self._loop.aclose()

    async def ready(self) -> None:
        """Read it, unless it has been read. Raises a MongoDB error."""
        self._asked_for = True
        if self._rows is None:
            async with self._reading:
                if self._rows is None:
                    await self.read()

    async def read(self) -> None:
        """Read the whole sample."""
        self._keep(await self._find({}), {})

    def places(self, names: Sequence[str], equal: Sequence[Document]) -> list[Place]:
        """Where the sampled polls that have any of these values stand, the highest first."""
        key = (tuple(names), repr(equal))
        if key not in self._places:
            rows = [row for row in self._known() if any(_has(row, one) for one in equal)]
            self._places[key] = sorted({tuple(row[n] for n in names) for row in rows}, reverse=True)
        return self._places[key]

    def estimate(self, wanted: Callable[[Document], bool]) -> int:
        """How many polls there are like those sampled ones, roughly."""
        return SAMPLE_RATE * sum(map(wanted, self._known()))

    def _known(self) -> list[Document]:
        return list((self._rows or {}).values())

    async def _round(self) -> None:
        if self._rows is None or not self._asked_for:
            return
        self._asked_for, self._rounds = False, self._rounds + 1
        if self._rounds % ROUNDS_UNTIL_ALL == 0 or not self._rows:
            await self.read()
        else:
            newest: datetime = max(row["createdAt"] for row in self._rows.values())
            self._keep(await self._find({"createdAt": {"$gt": newest - OVERLAP}}), self._rows)

    async def _find(self, more: Document) -> list[Document]:
        wanted = self._polls.find({"sampled": True, **more}, dict.fromkeys(_FIELDS, 1))
        return await wanted.sort("createdAt", DESCENDING).limit(MOST).to_list(None)

    def _keep(self, found: list[Document], others: dict[Any, Document]) -> None:
        rows = {**others, **{row["_id"]: row for row in found}}
        newest = sorted(rows.values(), key=lambda row: row["createdAt"], reverse=True)[:MOST]
        self._rows, self._places = {row["_id"]: row for row in newest}, {}


def _has(row: Document, values: Document) -> bool:
    return all(
        value in row.get(name, ()) if name == "contextPairs" else row.get(name) == value
        for name, value in values.items()
    )
