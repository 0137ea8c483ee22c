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

    Counts that Redis lacks are counted in MongoDB, one such reading at a time, so that their
    versions, taken after each reading, have the order of the readings. A recount is begun, so
    that the next reader finds them.
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
        found = {i: tally for i in wanted if (tally := read.get(i)) is not None}
        self._was_read(found)
        missing = tuple(i for i in wanted if i not in found)
        if missing:
            found |= await self._from_mongo(missing)
        for poll_id, tally in found.items():
            self._note_version(poll_id, tally.version)
        return found

    async def one(self, poll_id: str) -> Tally | None:
        """The counts of one poll; ``None`` where it does not exist."""
        return (await self.of([poll_id])).get(poll_id)

    async def _from_mongo(self, missing: tuple[str, ...]) -> Tallies:
        counted = await self._direct.submit(missing)
        if self._counters.link.available:
            self._rebuilder.soon(i for i in missing if i in counted)
        return {i: counted[i] for i in missing if i in counted}

    async def _count_batch(self, batch: list[Entry[tuple[str, ...], Tallies]]) -> None:
        wanted = {i for entry in batch for i in entry.item}
        counted = await self._census.counts(wanted)
        tallies = {i: self._labelled(i, one) for i, one in counted.items()}
        for entry in batch:
            entry.resolve(tallies)

    def _labelled(self, poll_id: str, counted: Counted) -> Tally:
        version = max(microseconds(), self._versions.get(poll_id, 0) + 1)
        tally = Tally(counted.options, counted.voters, counted.likes, version, version)
        return replace(tally, revision=counted.revision)

    def _note_version(self, poll_id: str, version: int) -> None:
        self._versions[poll_id] = max(version, self._versions.get(poll_id, 0))
        self._versions.move_to_end(poll_id)
        if len(self._versions) > remembered_versions:
            self._versions.popitem(last=False)
