"""Counts that are read in MongoDB itself, where Redis has none to be trusted.

Invariants, for one poll, over all instances:

- What was read is labelled after it was read, by a compare-and-set on one document: so a higher
  version was counted wholly after the lower one was, and never shows an older state.
- Equal counts keep their version: reading alone writes nothing.
- A label exceeds every version that this instance had seen when the reading began, and none that
  Redis gives out for a write that came after it.

A reader that loses the compare-and-set reads again. One that loses twice takes what the second
winner stored: that was counted after this reader had begun.

Once Redis has counted anew, above these versions, the documents are deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from quickpoll.counting.tally import Census, Counted, Tally
from quickpoll.counting.versions import STEP, VersionClock, direct_version
from quickpoll.foundation.mongo import Database

COLLECTION = "direct_count"
TRIES = 2
AT_ONCE = 16

Seen = Mapping[str, int]
"""The highest version that this instance has seen of each poll."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was read last, by whichever instance, and its version."""

    version: int
    counts: dict[str, Any]

    def tally(self) -> Tally:
        """The same as counts of a poll."""
        counts = self.counts
        return Tally(
            options=dict(counts["options"]),
            voters=counts["voters"],
            likes=counts["likes"],
            version=self.version,
            public_version=self.version,
            revision=counts["revision"],
        )


class DirectCounts:
    """Reads counts in MongoDB and gives them versions."""

    def __init__(self, database: Database, census: Census, clock: VersionClock) -> None:
        self._stored = database[COLLECTION]
        self._census = census
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def count(self, poll_ids: Iterable[str], seen: Seen) -> dict[str, Tally]:
        """The counts of those of the polls that exist. Raises a MongoDB error."""
        left, found = set(poll_ids), dict[str, Tally]()
        for _ in range(TRIES):
            if not left:
                break
            labelled = await self._try(left, seen)
            found |= {i: tally for i, tally in labelled.items() if tally is not None}
            left = labelled.keys() - found.keys()
        return found | {i: stored.tally() for i, stored in (await self._load(left)).items()}

    async def last_version(self, poll_id: str) -> int:
        """The version under which a poll was last read here, 0 where it was not."""
        found = await self._load([poll_id])
        return found[poll_id].version if found else 0

    async def forget(self, poll_id: str, version: int) -> None:
        """Redis has counted the poll above this version."""
        await self._stored.delete_one({"_id": ObjectId(poll_id), "version": {"$lte": version}})

    async def _try(self, poll_ids: Iterable[str], seen: Seen) -> dict[str, Tally | None]:
        """Count once; ``None`` for polls that somebody else has labelled meanwhile."""
        wanted = list(poll_ids)
        # Before the reading begins: what is written after this moment gets a higher version.
        floor = self._clock.now() - 2 * STEP
        floors = {i: max(floor, seen.get(i, 0)) for i in wanted}
        before = await self._load(wanted)
        counted = await self._census.counts(wanted)

        async def label(poll_id: str, one: Counted) -> Tally | None:
            async with self._slots:
                stored = before.get(poll_id)
                return await self._label(
                    poll_id, one, stored, seen.get(poll_id, 0), floors[poll_id]
                )

        tallies = await asyncio.gather(*[label(i, one) for i, one in counted.items()])
        return dict(zip(counted, tallies, strict=True))

    async def _label(
        self, poll_id: str, counted: Counted, before: Stored | None, seen: int, floor: int
    ) -> Tally | None:
        counts = {
            "options": counted.options,
            "voters": counted.voters,
            "likes": counted.likes,
            "revision": counted.revision,
        }
        if before is not None and before.version >= seen and before.counts == counts:
            return before.tally()
        version = direct_version(floor, before.version if before is not None else 0)
        stored = Stored(version, counts)
        if await self._store(poll_id, stored, before):
            return stored.tally()
        return None

    async def _store(self, poll_id: str, stored: Stored, before: Stored | None) -> bool:
        document = {"version": stored.version, "counts": stored.counts}
        key = ObjectId(poll_id)
        if before is None:
            try:
                await self._stored.insert_one({"_id": key, **document})
            except DuplicateKeyError:
                return False
            return True
        only_if = {"_id": key, "version": before.version}
        return bool((await self._stored.update_one(only_if, {"$set": document})).matched_count)

    async def _load(self, poll_ids: Iterable[str]) -> dict[str, Stored]:
        wanted = [ObjectId(one) for one in poll_ids]
        if not wanted:
            return {}
        found = await self._stored.find({"_id": {"$in": wanted}}).to_list(None)
        return {str(one["_id"]): Stored(one["version"], one["counts"]) for one in found}
