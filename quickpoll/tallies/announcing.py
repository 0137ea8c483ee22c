"""Telling everybody that something about a poll other than its counts has changed."""

from __future__ import annotations

from quickpoll.foundation.redis import RedisAway
from quickpoll.tallies.bell import Bell, Ring
from quickpoll.tallies.counters import Counters
from quickpoll.tallies.debts import Debts
from quickpoll.tallies.tally import microseconds


class Announcer:
    """Gives a changed poll a new version and rings the bell.

    Once :meth:`announce` has returned, no instance judges a vote by the poll as it was: either
    Redis names the new revision, or it is away and each batch reads the poll from MongoDB.
    """

    def __init__(self, counters: Counters, debts: Debts, bell: Bell) -> None:
        self._counters = counters
        self._debts = debts
        self._bell = bell

    async def announce(self, poll_id: str, change: str, revision: int) -> None:
        """Announce a change. Never fails: MongoDB has it already."""
        try:
            await self._counters.touch(poll_id, change, revision)
        except RedisAway:
            self._debts.owe([poll_id])
            self._bell.ring(Ring("poll-update", poll_id, microseconds(), change))

    async def removed(self, poll_id: str, option_ids: list[str], *, again: bool = False) -> None:
        """Remove a deleted poll's counts and announce that (unless done before)."""
        try:
            await self._counters.remove(poll_id, option_ids, announce=not again)
        except RedisAway:
            self._debts.owe([poll_id])
            self._bell.ring(Ring("poll-update", poll_id, microseconds(), "deleted"))
