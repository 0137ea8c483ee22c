"""Turning part of the load away before all of it fails.

A process that gets more than it can do answers everything late, and what is answered after its
caller's time limit was done for nothing: more load, fewer answers. So when a *standing* queue is
seen, part of the requests is refused at once (503 ``overloaded`` with ``Retry-After``), and the
rest is answered in time.

The measure is time in a queue, not length (Nichols and Jacobson, *Controlling Queue Delay*, ACM
Queue 2012): by how much the event loop is late, which is how long whatever arrives now waits for
its turn; and how long the oldest of those waits that do not fit in the next batch. A short burst
is no overload: it takes several looks in a row. The part that is refused grows step by step and
shrinks more slowly (additive both ways, so that it settles instead of swinging from all to none).
A store that hangs is no overload either: whoever waits for it fits in the next batch, and is told
``unavailable``.

Ten looks a second cost nothing; a request pays for one comparison.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import random

import structlog

from quickpoll.errors import Overloaded
from quickpoll.foundation import metrics
from quickpoll.foundation.once import Once

log = structlog.get_logger(__name__)

look_seconds = 0.1
most_late_seconds = 0.25
"""By how much the event loop may be late. A vote waits for its turn about five times, and has less
than three seconds."""

most_queue_seconds = 0.75
"""How long somebody may wait who does not fit in the next batch."""

looks_in_a_row = 3
step_up, step_down = 0.1, 0.05
largest_share = 0.9
"""Somebody is always let in: else nobody would notice that the load has gone."""

Waits = Callable[[], float]
"""How many seconds the oldest waits that does not fit in the next batch; 0 where all fit."""


class Overload:
    """``share`` is the part of requests that is refused at present, 0 to 1."""

    def __init__(self, *queues: Waits, chance: Callable[[], float] = random) -> None:
        self.share = 0.0
        self._queues = queues
        self._chance = chance
        self._in_a_row = 0
        self._once = Once()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def shedding(self) -> bool:
        """Whether part of the requests is refused."""
        return self.share > 0

    def judge(self) -> None:
        """Let a request in, or raise :class:`~quickpoll.errors.Overloaded`."""
        if self.share and self._chance() < self.share:
            metrics.shed.inc()
            raise Overloaded

    def start(self) -> None:
        """Start to look."""
        self._look_at(asyncio.get_running_loop().time() + look_seconds)

    async def aclose(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def look(self, late: float) -> None:
        """Decide by how many seconds a timer was late, and by the queues."""
        queued = max((waits() for waits in self._queues), default=0.0)
        if late <= most_late_seconds and queued <= most_queue_seconds:
            self._in_a_row = 0
            self.share = max(0.0, round(self.share - step_down, 2))
            return
        self._in_a_row += 1
        if self._in_a_row >= looks_in_a_row:
            self.share = min(largest_share, round(self.share + step_up, 2))
            self._tell(late, queued)

    def _tell(self, late: float, queued: float) -> None:
        if self._once.say("overload") is not None:
            detail = "part of the requests gets 503 overloaded until this instance keeps up"
            seconds = {"late_seconds": round(late, 3), "queued_seconds": round(queued, 3)}
            log.warning("load_shed", detail=detail, **seconds)

    def _look_at(self, due: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(due, self._look, due)

    def _look(self, due: float) -> None:
        now = asyncio.get_running_loop().time()
        self.look(max(now - due, 0.0))
        self._look_at(now + look_seconds)
