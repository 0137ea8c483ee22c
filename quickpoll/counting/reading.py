"""Reading counts: from Redis where they can be trusted, else from MongoDB."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from pymongo.errors import PyMongoError

from quickpoll.counting.counters import Counters
from quickpoll.counting.direct import DirectCounts
from quickpoll.counting.tally import Census, Tally
from quickpoll.foundation.concurrency.batching import Batcher, Entry
from quickpoll.foundation.concurrency.time_limits import RECOUNT_WAIT_SECONDS
from quickpoll.foundation.stores.redis import RedisAway

REMEMBERED = 20_000

Tallies = dict[str, Tally]


class TallyReader:
    """The counts of polls, always; a poll that does not exist has none.

    Where Redis is there but has no counts of a poll to be trusted, a recount is waited for: then
    Redis gives the version. Where it is away, or the poll is written to without it, or a recount
    does not come to its end, they are counted in MongoDB, one such reading at a time.
    """

    def __init__(
        self,
        counters: Counters,
        census: Census,
        direct: DirectCounts,
        recount: Callable[[str], Awaitable[object]],
        was_read: Callable[[Iterable[str]], None],
    ) -> None:
        self._counters = counters
        self._census = census
        self._direct = direct
        self._recount = recount
        self._was_read = was_read
        self._seen: OrderedDict[str, Tally] = OrderedDict()  # {poll id: the newest that was read}
        self._readings: Batcher[tuple[str, ...], Tallies] = Batcher("census", self._count_batch)

    def start(self) -> None:
        """Start counting."""
        self._readings.start()

    async def aclose(self) -> None:
        """Answer what waits, then end."""
        await self._readings.aclose()

    async def read(self, poll_ids: Iterable[str]) -> Tallies:
        """The counts of those of the polls that exist."""
        wanted = list(poll_ids)
        found = await self._trusted(wanted)
        missing = [i for i in wanted if i not in found]
        if missing:
            found |= await self._recounted(missing)
        self._was_read(found)
        missing = [i for i in missing if i not in found]
        if missing:
            counted = await self._readings.submit(tuple(missing))
            found |= {i: counted[i] for i in missing if i in counted}
        for poll_id, tally in found.items():
            self._remember(poll_id, tally)
        return found

    async def read_one(self, poll_id: str) -> Tally | None:
        """The counts of one poll; ``None`` where it does not exist."""
        return (await self.read([poll_id])).get(poll_id)

    async def _trusted(self, poll_ids: list[str]) -> Tallies:
        read = await self._counters.read(poll_ids)
        return {i: tally for i in poll_ids if (tally := read.get(i)) is not None}

    async def _recounted(self, missing: list[str]) -> Tallies:
        """What a recount brings, where Redis is there and knows of all that is written."""
        counters = self._counters
        if not counters.link.available:
            return {}
        noted = await counters.noted_by_now(missing)
        able = [i for i in missing if i not in noted]
        if not able:
            return {}
        existing = await self._census.existing(able)
        if not existing:
            return {}
        with suppress(TimeoutError, RedisAway, PyMongoError):
            async with asyncio.timeout(RECOUNT_WAIT_SECONDS):
                await asyncio.gather(*[self._recount(i) for i in existing])
        return await self._trusted(sorted(existing))

    async def _count_batch(self, batch: list[Entry[tuple[str, ...], Tallies]]) -> None:
        wanted = {i for entry in batch for i in entry.item}
        # As it was before the reading began: a newer count that is read from Redis meanwhile
        # must not lift the label of this one above its own.
        seen = {i: self._seen[i] for i in wanted if i in self._seen}
        tallies = await self._direct.count(wanted, seen)
        for entry in batch:
            entry.resolve(tallies)

    def _remember(self, poll_id: str, tally: Tally) -> None:
        before = self._seen.get(poll_id)
        if before is None or before.version <= tally.version:
            self._seen[poll_id] = tally
        self._seen.move_to_end(poll_id)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
