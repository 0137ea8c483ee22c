"""Turning part of the load away before all of it fails.

A process that gets more than it can do answers everything late, and what is answered after its
caller's time limit was done for nothing: more load, fewer answers. So the number of requests that
are let in at the same time is bounded, and beyond the bound they are refused at once (503
``overloaded`` with ``Retry-After``), which costs a fraction of answering them.

The bound is not set but found, by time in a queue and not by length (Nichols and Jacobson,
*Controlling Queue Delay*, ACM Queue 2012): it is out of reach until the oldest request in hand is
old *and* the event loop is late, or somebody has been waiting long who does not fit in the next
batch, several looks in a row. Then it goes down by a part, and up again by steps (additive
increase, multiplicative decrease). So a burst is no overload, however large, since all of it is let
in before anybody looks; nor is a store that hangs, for which the loop waits idly: then callers are
told ``unavailable``.

Ten looks a second cost nothing; a request pays for one entry in a dict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from time import monotonic

import structlog

from quickpoll.errors import Overloaded
from quickpoll.foundation.observability import metrics
from quickpoll.foundation.observability.once import Once

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.1
MOST_LATE_SECONDS = 0.25
"""By how much the event loop may be late for a timer: so long whatever arrives waits for its turn,
and a vote waits for its turn about five times."""

MOST_AGE_SECONDS = 1.5
"""How old a request may get, and how long one may stand in line. They have less than three."""

LOOKS_IN_A_ROW = 3
DECREASE = 0.8
INCREASE = 16
FEWEST = 64
"""The lowest bound: else nobody would notice that the load has gone."""

OUT_OF_REACH = 1_000_000

Waits = Callable[[], float]
"""How many seconds the oldest waits that does not fit in the next batch; 0 where all fit."""


class Overload:
    """Knows the requests in hand; ``limit`` is how many may be let in at the same time at
    present, and ``share`` which part of them was refused since the last look."""

    def __init__(self, *queues: Waits, clock: Callable[[], float] = monotonic) -> None:
        self.limit = OUT_OF_REACH
        self.share = 0.0
        self._queues = queues
        self._clock = clock
        # In the order in which they began.
        self._in_hand: dict[Hashable, float] = {}
        self._let_in = 0
        self._refused = 0
        self._in_a_row = 0
        self._once = Once()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def shedding(self) -> bool:
        """Whether the bound is within reach."""
        return self.limit < OUT_OF_REACH

    def begin(self, request: Hashable) -> None:
        """A request has arrived."""
        self._in_hand[request] = self._clock()

    def end(self, request: Hashable) -> None:
        """It has been answered."""
        self._in_hand.pop(request, None)

    def judge(self) -> None:
        """Let a request in that has arrived, or raise :class:`~quickpoll.errors.Overloaded`."""
        if len(self._in_hand) > self.limit:
            self._refused += 1
            metrics.shed.inc()
            raise Overloaded
        self._let_in += 1

    def start(self) -> None:
        """Start to look."""
        self._look_at(asyncio.get_running_loop().time() + LOOK_SECONDS)

    async def aclose(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def look(self, late: float) -> None:
        """Move the bound: by how many seconds a timer was late, by the ages and the queues."""
        self.share = self._refused / max(self._refused + self._let_in, 1)
        self._refused = self._let_in = 0
        queued = max((waits() for waits in self._queues), default=0.0)
        too_old = late > MOST_LATE_SECONDS and self._oldest() > MOST_AGE_SECONDS
        if too_old or queued > MOST_AGE_SECONDS:
            self._in_a_row += 1
            if self._in_a_row >= LOOKS_IN_A_ROW:
                self._lower(late)
        else:
            self._in_a_row = 0
            if self.shedding and late <= MOST_LATE_SECONDS:
                self._raise()

    def _oldest(self) -> float:
        began = next(iter(self._in_hand.values()), None)
        return 0.0 if began is None else self._clock() - began

    def _lower(self, late: float) -> None:
        present = min(self.limit, len(self._in_hand))
        self.limit = max(FEWEST, int(present * DECREASE))
        if self._once.say("overload") is not None:
            detail = "part of the requests gets 503 overloaded until this instance keeps up"
            seen = {"in_hand": len(self._in_hand), "late_seconds": round(late, 3)}
            log.warning("load_shed", detail=detail, **seen)

    def _raise(self) -> None:
        self.limit += INCREASE
        # Nobody was refused since the last look: it is not the bound that holds the load.
        if not self.share and 2 * len(self._in_hand) < self.limit:
            self.limit = OUT_OF_REACH

    def _look_at(self, due: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(due, self._look, due)

    def _look(self, due: float) -> None:
        now = asyncio.get_running_loop().time()
        self.look(max(now - due, 0.0))
        self._look_at(now + LOOK_SECONDS)
