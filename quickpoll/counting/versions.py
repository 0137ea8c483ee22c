"""Versions: whole numbers that grow strictly for each poll, in microseconds since 1970.

Invariants, for one poll:

- Equal versions mean equal states, whichever instance answered.
- A higher version never shows an older state.

Redis gives them out while it is there: multiples of :data:`STEP`, the larger of its clock and the
last one plus a step. The steps between are for what Redis has not counted:

- ``+1`` a count that was read in MongoDB while Redis was away (:mod:`.direct`),
- ``+8``, ``+16``, ``+24`` the poll itself was read one, two, three or more revisions ahead of what
  the version names: the change is written, its announcement on the way,
- ``+32`` the poll's deadline has passed, and no write has said so yet.

There is one clock for all instances: that of Redis, which each of them goes on with by its own
monotonic clock when Redis is away. So wall clocks that differ do not matter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic, time

STEP = 64
DIRECT = 1
AHEAD = 8
MOST_AHEAD = 3
OVERDUE = 32

SAMPLES = 20


def shown_version(version: int, *, revisions_ahead: int, overdue: bool) -> int:
    """The version of what is shown: counts of ``version`` with a poll that is perhaps newer."""
    ahead = min(max(revisions_ahead, 0), MOST_AHEAD)
    return version + AHEAD * ahead + OVERDUE * overdue


def direct_version(*floors: int) -> int:
    """The version of a count that was read in MongoDB: above all of these."""
    return (max(floors) // STEP + 1) * STEP + DIRECT


class VersionClock:
    """The clock of Redis, never ahead of it.

    A sample says that Redis' clock showed ``t`` somewhere between sending and hearing: at the
    moment of hearing it showed at least that. The best of the last samples is kept.
    """

    def __init__(
        self, wall: Callable[[], float] = time, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._offsets: deque[float] = deque(maxlen=SAMPLES)
        self._run = ""

    def adjust(self, run_id: str, seconds: int, microseconds: int) -> None:
        """Take what Redis has just answered to ``TIME``. Another server has another clock."""
        if run_id != self._run:
            self._run = run_id
            self._offsets.clear()
        self._offsets.append(seconds * 1_000_000 + microseconds - self._elapsed() * 1e6)

    def now(self) -> int:
        """Microseconds since 1970; the own clock where Redis was never heard."""
        if not self._offsets:
            return int(self._wall() * 1e6)
        return int(max(self._offsets) + self._elapsed() * 1e6)
