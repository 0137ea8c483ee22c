"""Version 0.1 beside this one: an upgrade of one instance after the other, and the way back.

Invariants:

- Each version keeps its counts under names of its own (:mod:`.keys`), and counts from MongoDB what
  it does not find: neither ever reads what the other keeps.
- An event without a form comes from 0.1, and after its write. Our counts of that poll are given up
  then: they are counted anew before anybody trusts them.
- Of what we write 0.1 hears nothing that it goes by. So its counts of that poll are dropped, and,
  while one of its instances is there, dropped again for a while: it may have been counting at that
  very moment. Then it is told to look.
- So with both versions at work every count is right within seconds. That a close is final at once
  is promised from the moment on at which the last instance of 0.1 has ended.

To be taken out with the version that follows the next.
"""

from __future__ import annotations

from time import monotonic

import orjson

from quickpoll.counting.counters import Counters
from quickpoll.counting.events import EventKind, PollEvent
from quickpoll.counting.keys import FormerKeys
from quickpoll.foundation.concurrency.periodic import Periodic

ROUND_SECONDS = 0.25
DROP_SECONDS = 4.0
"""For how long after a write a count of 0.1 may have begun before it."""

SWEPT_AT_ONCE = 200
"""Keys of Redis that one round walks over."""


class FormerVersion:
    """Keeps the counts of 0.1 and of this version from going by what the other has not heard."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._keys = FormerKeys(counters.keys.prefix)
        self._changed_there: set[str] = set()
        self._written_here: dict[str, float] = {}  # {poll id: when, the oldest first}
        self._cursor: int | None = 0  # of the one walk over what 0.1 has left
        self._loop = Periodic("former-version", ROUND_SECONDS, self.round)

    def start(self) -> None:
        """Start the rounds."""
        self._loop.start()

    async def aclose(self) -> None:
        """One more round, for what was written last; then end."""
        await self._loop.aclose()
        await self._loop.round()

    def heard(self, event: PollEvent) -> None:
        """Take an event of the update channel."""
        if event.form is None:
            self._changed_there.add(event.poll_id)
        elif event.form != 0:
            self._written_here.pop(event.poll_id, None)
            self._written_here[event.poll_id] = monotonic()

    async def round(self) -> None:
        """Give up what 0.1 has changed, drop what it does not know to be changed.

        Raises :class:`~quickpoll.foundation.stores.redis.RedisAway`.
        """
        if changed := sorted(self._changed_there):
            await self._counters.scripts.give_up(changed)
            self._changed_there.difference_update(changed)
        if self._cursor is not None:
            await self._sweep(self._cursor)
        if self._written_here:
            await self._drop_counts()

    async def _drop_counts(self) -> None:
        link = self._counters.link
        written = dict(self._written_here)
        there = bool(await link.call("EXISTS", self._keys.lease))
        await link.together([("DEL", self._keys.state(poll_id)) for poll_id in written])
        if there:
            updates = self._counters.keys.updates
            await link.together([("PUBLISH", updates, _look_again(one)) for one in written])
        kept = monotonic() - DROP_SECONDS if there else float("inf")
        for poll_id, at in written.items():
            if at < kept and self._written_here.get(poll_id) == at:
                del self._written_here[poll_id]

    async def _sweep(self, cursor: int) -> None:
        """Drop some of what 0.1 has left behind: nobody else ever would."""
        link = self._counters.link
        cursor_after, names = await link.call(
            "SCAN", cursor, "MATCH", self._keys.every_state, "COUNT", SWEPT_AT_ONCE
        )
        if names:
            await link.together([("DEL", name) for name in names])
        self._cursor = int(cursor_after) or None


def _look_again(poll_id: str) -> bytes:
    """An event that makes 0.1 read a poll anew; here its form says that nothing was written."""
    version = 0
    event = {"event": EventKind.VOTES, "pollId": poll_id, "version": version, "form": 0}
    return orjson.dumps(event)
