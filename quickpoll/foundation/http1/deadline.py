"""A connection's one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls back when time is over; moving it on costs next to nothing.

    The timer is not started anew for each request: one that goes off looks whether it is time,
    and sleeps on if not.
    """

    __slots__ = ("_at", "_loop", "_over", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, over: Callable[[], None]) -> None:
        self._loop = loop
        self._over = over
        self._at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> None:
        """Call back in ``seconds``, and no longer at the time that was set before."""
        self._at = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._at:
            self.cancel()
            self._timer = self._loop.call_at(self._at, self._rang)

    def at_most(self, seconds: float) -> None:
        """Call back in ``seconds``, unless it is due sooner."""
        if self._loop.time() + seconds < self._at:
            self.within(seconds)

    def cancel(self) -> None:
        """Do not call back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rang(self) -> None:
        self._timer = None
        if self._loop.time() < self._at:
            self._timer = self._loop.call_at(self._at, self._rang)
        else:
            self._over()
