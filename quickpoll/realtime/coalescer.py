"""Coalescing: the first update of a poll goes out at once, then at most ten a second, and the
last state always goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from quickpoll.foundation.concurrency.cancellation import cancel

log = structlog.get_logger(__name__)

EVENT_SECONDS = 0.1
"""What one event of a poll costs of its time: ten a second."""

COST_OF_FAILURE = 10
"""What could not be read is tried again after as long as ten events take: a second."""

Kinds = frozenset[str]
Deliver = Callable[[dict[str, Kinds]], Awaitable[dict[str, int]]]
"""Sends the present state of each poll for these kinds of event; answers how many events of each
poll went out."""


class Schedule:
    """When which poll may be shown again: pure, the clock is passed in."""

    def __init__(self) -> None:
        self._pending: dict[str, set[str]] = {}
        self._free_at: dict[str, float] = {}

    def mark(self, poll_id: str, kind: str) -> None:
        """Something of this kind has changed about the poll."""
        self._pending.setdefault(poll_id, set()).add(kind)

    def take(self, now: float) -> dict[str, Kinds]:
        """The polls to show now."""
        due = {i: frozenset(k) for i, k in self._pending.items() if self._free_at.get(i, 0) <= now}
        for poll_id in due:
            del self._pending[poll_id]
        return due

    def shown(self, poll_id: str, events: int, now: float) -> None:
        """So many events of the poll went out at that moment."""
        if events:
            self._free_at[poll_id] = now + events * EVENT_SECONDS

    def next_at(self) -> float | None:
        """When the next poll may be shown; ``None`` while nothing has changed."""
        return min((self._free_at.get(i, 0.0) for i in self._pending), default=None)

    def forget_idle(self, now: float) -> None:
        """Drop what has no effect any more."""
        self._free_at = {i: at for i, at in self._free_at.items() if at > now}


class Coalescer:
    """Runs the schedule: reads and sends each changed poll once for many changes."""

    def __init__(self, deliver: Deliver, clock: Callable[[], float] = monotonic) -> None:
        self._deliver = deliver
        self._clock = clock
        self._schedule = Schedule()
        self._marked = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start sending."""
        self._loop = asyncio.create_task(self._run(), name="coalescer")

    async def aclose(self) -> None:
        """Stop sending."""
        if self._loop is not None:
            await cancel(self._loop)

    def mark(self, poll_id: str, kind: str) -> None:
        """Something of this kind has changed about the poll."""
        self._schedule.mark(poll_id, kind)
        self._marked.set()

    async def _run(self) -> None:
        while True:
            await self._wait()
            due = self._schedule.take(self._clock())
            if due:
                await self._show(due)

    async def _show(self, due: dict[str, Kinds]) -> None:
        try:
            sent = await self._deliver(due)
        except Exception as error:
            log.warning("updates_delayed", error=type(error).__name__)
            sent = dict.fromkeys(due, COST_OF_FAILURE)
            for poll_id, kinds in due.items():
                for kind in kinds:
                    self._schedule.mark(poll_id, kind)
        now = self._clock()
        for poll_id, events in sent.items():
            self._schedule.shown(poll_id, events, now)
        self._schedule.forget_idle(now)

    async def _wait(self) -> None:
        """Until the next poll is due, or another one is marked."""
        self._marked.clear()
        next_at = self._schedule.next_at()
        if next_at is None:
            await self._marked.wait()
            return
        pause = next_at - self._clock()
        if pause > 0:
            try:
                async with asyncio.timeout(pause):
                    await self._marked.wait()
            except TimeoutError:
                return
