"""One time limit for many waits, kept by one timer.

Each request and each item of a batch has a time limit that hardly any of them reaches. A timer of
the event loop for each would cost more than what it guards; here a wait costs two entries in a
dict, and the one timer looks at those that have waited longest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Waiter = TypeVar("Waiter", bound=Hashable)


class SharedTimeout(Generic[Waiter]):
    """Calls ``give_up`` with every waiter that has begun ``seconds`` ago and has not ended."""

    def __init__(self, seconds: float, give_up: Callable[[Waiter], None]) -> None:
        self._seconds = seconds
        self._give_up = give_up
        # In the order in which they began, which is the order in which they run out.
        self._began: dict[Waiter, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, waiter: Waiter) -> None:
        """Its time runs from now on."""
        loop = asyncio.get_running_loop()
        self._began[waiter] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)

    def end(self, waiter: Waiter) -> None:
        """It waits no longer (or was given up)."""
        self._began.pop(waiter, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        # Timers go off by the loop's own grain, which may be a little early.
        due = loop.time() - self._seconds + 0.001
        while self._began:
            waiter, began = next(iter(self._began.items()))
            if began > due:
                self._timer = loop.call_at(began + self._seconds, self._look)
                return
            del self._began[waiter]
            self._give_up(waiter)


class TimeLimit:
    """A limit on how long a task may be busy with something::

        task = limit.begin()
        try:
            ...
        except asyncio.CancelledError:
            limit.judge(task)
            raise
        finally:
            limit.end(task)

    It does what :func:`asyncio.timeout` does, for a fraction of the price.
    """

    def __init__(self, seconds: float) -> None:
        self._patience: SharedTimeout[asyncio.Task[object]] = SharedTimeout(
            seconds, self._interrupt
        )
        self._interrupted: set[asyncio.Task[object]] = set()

    def begin(self) -> asyncio.Task[object]:
        """Begin to limit the current task."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - only coroutines of a task get here
        self._patience.begin(task)
        return task

    def end(self, task: asyncio.Task[object]) -> None:
        """Limit it no longer."""
        self._patience.end(task)
        self._interrupted.discard(task)

    def judge(self, task: asyncio.Task[object]) -> None:
        """A cancellation has arrived: raises :class:`TimeoutError` where the limit is its only
        cause."""
        if task in self._interrupted and task.uncancel() == 0:
            raise TimeoutError

    def _interrupt(self, task: asyncio.Task[object]) -> None:
        self._interrupted.add(task)
        task.cancel()
