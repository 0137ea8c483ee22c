"""Screens that have missed an update: events are delivered at most once, states are looked at.

Every few seconds what this instance has shown of the followed polls is compared with what Redis
has. So the last state always goes out, whatever became of the event that told of it.
"""

from __future__ import annotations

from quickpoll.counting.counters import Counters
from quickpoll.counting.events import EventKind
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.realtime.audience import Audience
from quickpoll.realtime.relay import Relay

COMPARE_SECONDS = 1.5
"""Twice within the five seconds after which every screen must be right."""

MOST_AT_ONCE = 2_000
"""Polls that one round compares; with more, the next round goes on with the others."""


class StaleScreens:
    """Finds followed polls of which an older state was shown, and has them shown anew."""

    def __init__(self, relay: Relay, audience: Audience, counters: Counters) -> None:
        self._relay = relay
        self._audience = audience
        self._counters = counters
        self._left: list[str] = []
        self._loop = Periodic("stale-screens", COMPARE_SECONDS, self.compare)

    def start(self) -> None:
        """Start to compare."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop comparing."""
        await self._loop.aclose()

    async def compare(self) -> None:
        """Compare once."""
        self._left = self._left or self._audience.followed()
        polls, self._left = self._left[:MOST_AT_ONCE], self._left[MOST_AT_ONCE:]
        if not polls or not self._counters.link.available:
            return
        for poll_id, tally in (await self._counters.read(polls)).items():
            if tally is not None and self._relay.delivered(poll_id) != tally.version:
                for kind in (EventKind.VOTES, EventKind.LIKES):
                    self._relay.coalescer.mark(poll_id, kind)
