"""The counted path: every write that changes a count goes through here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quickpoll.tallies.bell import Bell, Ring
from quickpoll.tallies.counters import Counters, Writing
from quickpoll.tallies.rebuild import Rebuilder
from quickpoll.tallies.tally import Change, microseconds


class Ledger:
    """Marks a batch before it is written, counts and announces it afterwards.

    The order is the promise: marked, then durable, then counted and announced. What goes wrong
    after the write never fails the write: the poll is recounted instead.
    """

    def __init__(self, counters: Counters, rebuilder: Rebuilder, bell: Bell) -> None:
        self._counters = counters
        self._rebuilder = rebuilder
        self._bell = bell

    async def begin(self, poll_ids: Iterable[str]) -> Writing:
        """Mark a batch that will write to these polls; each must reach :meth:`finish`."""
        return await self._counters.begin(poll_ids)

    async def finish(
        self, writing: Writing, changes: Mapping[str, Change], *, uncertain: Iterable[str] = ()
    ) -> None:
        """Count what was written. ``uncertain``: polls where a write may or may not stand."""
        recount = await self._counters.finish(writing, changes, uncertain=uncertain)
        if not writing.marked:
            self._ring_here(changes)
        self._rebuilder.soon(recount)

    def _ring_here(self, changes: Mapping[str, Change]) -> None:
        """While Redis is away, the screens of this instance at least stay live."""
        for poll_id, change in changes.items():
            event = "like-update" if change.likes else "vote-update"
            self._bell.ring(Ring(event, poll_id, microseconds()))
