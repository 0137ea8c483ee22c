"""Telling everybody that something about a poll other than its counts has changed."""

from __future__ import annotations

from contextlib import suppress

from pymongo.errors import PyMongoError

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
            await self._missed(poll_id)
            self._bell.ring(Ring("poll-update", poll_id, microseconds(), change))

    async def removed(self, poll_id: str, option_ids: list[str], *, public: bool) -> None:
        """Remove a deleted poll's counts and announce that."""
        try:
            await self._counters.remove(poll_id, option_ids, announce=True, public=public)
        except RedisAway:
            await self._missed(poll_id)
            self._bell.ring(Ring("poll-update", poll_id, microseconds(), "deleted", public))

    async def removed_again(self, poll_id: str, option_ids: list[str]) -> bool:
        """Remove what may have come back of a deleted poll's counts; answers whether Redis could
        be told."""
        try:
            await self._counters.remove(poll_id, option_ids)
        except RedisAway:
            await self._missed(poll_id)
            return False
        return True

    async def _missed(self, poll_id: str) -> None:
        """Nobody shall go by the revision that Redis names when it is back."""
        self._debts.owe([poll_id])
        with suppress(PyMongoError):  # then this instance alone knows
            await self._debts.note([poll_id], 0.0)
