"""Reading counts: from Redis where it can be trusted, else from MongoDB."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace

from quickpoll.foundation.batching import Batcher, Entry
from quickpoll.tallies.counters import Counters
from quickpoll.tallies.rebuild import Rebuilder
from quickpoll.tallies.tally import Census, Counted, Tally, microseconds

remembered_versions = 20_000

Tallies = dict[str, Tally]


class TallyReader:
    """The counts of polls, always; a poll that does not exist has none.

    Counts that Redis lacks are counted in MongoDB, one such reading at a time. Each has the time
    at which it began as its version: it holds all that was written before, so whatever it lacks
    gets a higher version, and no slow reading stands in the way of a newer count. A recount is
    begun, so that the next reader finds the counts in Redis.
    """

    def __init__(
        self,
        counters: Counters,
        census: Census,
        rebuilder: Rebuilder,
        was_read: Callable[[Iterable[str]], None],
    ) -> None:
        self._counters = counters
        self._census = census
        self._rebuilder = rebuilder
        self._was_read = was_read
        self._versions: OrderedDict[str, int] = OrderedDict()
        self._direct: Batcher[tuple[str, ...], Tallies] = Batcher("census", self._count_batch)

    def start(self) -> None:
        """Start counting."""
        self._direct.start()

    async def aclose(self) -> None:
        """Answer what waits, then end."""
        await self._direct.aclose()

    async def of(self, poll_ids: Iterable[str]) -> Tallies:
        """The counts of those of the polls that exist."""
        wanted = list(poll_ids)
        read = await self._counters.read(wanted)
        found = {i: one for i in wanted if (one := read.get(i)) is not None and one.settled}
        self._was_read(found)
        missing = tuple(i for i in wanted if i not in found)
        if missing:
            found |= await self._from_mongo(missing)
            self._mend(i for i in found if read.get(i) is None)
        for poll_id, tally in found.items():
            self._note_version(poll_id, tally.version)
        return found

    async def one(self, poll_id: str) -> Tally | None:
        """The counts of one poll; ``None`` where it does not exist."""
        return (await self.of([poll_id])).get(poll_id)

    async def _from_mongo(self, missing: tuple[str, ...]) -> Tallies:
        counted = await self._direct.submit(missing)
        return {i: counted[i] for i in missing if i in counted}

    def _mend(self, poll_ids: Iterable[str]) -> None:
        if self._counters.link.available:
            self._rebuilder.soon(poll_ids)

    async def _count_batch(self, batch: list[Entry[tuple[str, ...], Tallies]]) -> None:
        began = microseconds()
        counted = await self._census.counts({i for entry in batch for i in entry.item})
        tallies = {i: self._labelled(i, one, began) for i, one in counted.items()}
        for entry in batch:
            entry.resolve(tallies)

    def _labelled(self, poll_id: str, counted: Counted, began: int) -> Tally:
        version = max(began, self._versions.get(poll_id, 0) + 1)
        self._note_version(poll_id, version)
        tally = Tally(counted.options, counted.voters, counted.likes, version, version)
        return replace(tally, revision=counted.revision)

    def _note_version(self, poll_id: str, version: int) -> None:
        self._versions[poll_id] = max(version, self._versions.get(poll_id, 0))
        self._versions.move_to_end(poll_id)
        if len(self._versions) > remembered_versions:
            self._versions.popitem(last=False)
