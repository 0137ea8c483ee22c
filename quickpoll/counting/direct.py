"""Counts that are read in MongoDB itself, where Redis has none to be trusted.

Invariants, for one poll, over all instances:

- What was read is labelled after it was read, by a compare-and-set on one document: so a higher
  version was counted wholly after the lower one was, and never shows an older state.
- Equal counts keep their version: reading alone writes nothing.
- A label exceeds every version that this instance had seen when the reading began, and none that
  Redis gives out for a write that came after it.

A reader that loses the compare-and-set reads again. One that loses twice takes what the second
winner stored: that was counted after this reader had begun.

- The public version stays while nothing changes that everybody may see: losing Redis for a moment
  must not tell those from whom results are hidden that somebody has voted.

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
from quickpoll.errors import Unavailable
from quickpoll.foundation.stores.mongo import Database

COLLECTION = "direct_count"
LOSSES = 2
MOST_TRIES = 6
AT_ONCE = 16

Seen = Mapping[str, Tally]
"""What this instance has seen last of each poll."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was read last, by whichever instance, and its version."""

    version: int
    public_version: int
    counts: dict[str, Any]

    def tally(self) -> Tally:
        """The same as counts of a poll."""
        counts = self.counts
        return Tally(
            options=dict(counts["options"]),
            voters=counts["voters"],
            likes=counts["likes"],
            version=self.version,
            public_version=self.public_version,
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
        for lost in range(MOST_TRIES):
            if lost >= LOSSES:
                found |= {i: stored.tally() for i, stored in (await self._load(left)).items()}
                left -= found.keys()
            if not left:
                return found
            labelled = await self._try(left, seen)
            found |= {i: tally for i, tally in labelled.items() if tally is not None}
            left = labelled.keys() - found.keys()
        raise Unavailable  # others count this poll so often that nobody gets through

    async def last_versions(self, poll_id: str) -> tuple[int, int]:
        """Version and public version under which a poll was last read here, 0 where it was not."""
        found = await self._load([poll_id])
        return (found[poll_id].version, found[poll_id].public_version) if found else (0, 0)

    async def forget(self, poll_id: str, version: int) -> None:
        """Redis has counted the poll above this version."""
        await self._stored.delete_one({"_id": ObjectId(poll_id), "version": {"$lte": version}})

    async def _try(self, poll_ids: Iterable[str], seen: Seen) -> dict[str, Tally | None]:
        """Count once; ``None`` for polls that somebody else has labelled meanwhile."""
        wanted = list(poll_ids)
        before = await self._load(wanted)
        # Before the reading begins: what is written after this moment gets a higher version.
        floor = self._clock.now() - 2 * STEP
        counted = await self._census.counts(wanted)

        async def label(poll_id: str, one: Counted) -> Tally | None:
            async with self._slots:
                stored = before.get(poll_id)
                return await self._label(poll_id, one, stored, seen.get(poll_id), floor)

        tallies = await asyncio.gather(*[label(i, one) for i, one in counted.items()])
        return dict(zip(counted, tallies, strict=True))

    async def _label(
        self,
        poll_id: str,
        counted: Counted,
        before: Stored | None,
        seen: Tally | None,
        floor: int,
    ) -> Tally | None:
        counts = {
            "options": counted.options,
            "voters": counted.voters,
            "likes": counted.likes,
            "revision": counted.revision,
        }
        seen_version = seen.version if seen is not None else 0
        if before is not None and before.version >= seen_version and before.counts == counts:
            return before.tally()
        version = direct_version(floor, seen_version, before.version if before is not None else 0)
        last = before.tally() if before is not None and before.version >= seen_version else seen
        public = last.public_version if last is not None and _alike(last, counted) else version
        stored = Stored(version, public, counts)
        if await self._store(poll_id, stored, before):
            return stored.tally()
        return None

    async def _store(self, poll_id: str, stored: Stored, before: Stored | None) -> bool:
        versions = {"version": stored.version, "publicVersion": stored.public_version}
        document = {**versions, "counts": stored.counts}
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
        return {
            str(one["_id"]): Stored(one["version"], one["publicVersion"], one["counts"])
            for one in found
        }


def _alike(seen: Tally, counted: Counted) -> bool:
    """Whether nothing has changed that everybody may see, and nobody has taken a ballot back."""
    same = (seen.likes, seen.revision) == (counted.likes, counted.revision)
    return same and seen.current and counted.voters >= seen.voters
