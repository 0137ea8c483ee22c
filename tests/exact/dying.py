"""The death of an instance in the middle of its work: everything that it has begun ends at the n-th
wait of any of it.

What was on its way to a store may still arrive, as after a real death; marks stay where they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import suppress
from typing import Any

of_the_connection = ("RedisLink._look",)
"""What looks for a store again lives on: the instance is to be used again."""


class Death:
    """Counts the waits of some work and of all tasks that it starts; all end at the n-th."""

    def __init__(self, nth: int) -> None:
        self.come = False
        self._left = nth
        self._tasks: list[asyncio.Task[Any]] = []

    async def of(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do the work until it ends, or everything does."""
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory()
        loop.set_task_factory(self._make)
        try:
            self._tasks.append(asyncio.create_task(work))
            while pending := [task for task in self._tasks if not task.done()]:
                if self._tasks[0].done() and not self.come:
                    break
                await asyncio.wait(pending, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
                if self.come:  # once is not enough: asyncio.wait_for may lose a cancellation
                    self._end_all()
        finally:
            loop.set_task_factory(before)
        with suppress(asyncio.CancelledError):
            self._tasks[0].result()

    def _make(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any
    ) -> asyncio.Task[Any]:
        if coroutine.__qualname__ in of_the_connection:
            return asyncio.Task(coroutine, loop=loop, **more)
        task = asyncio.Task(self._counted(coroutine), loop=loop, **more)
        # One that ends before it has begun leaves a coroutine that nobody has awaited.
        task.add_done_callback(lambda _: coroutine.close())
        self._tasks.append(task)
        if self.come:
            loop.call_soon(task.cancel)
        return task

    async def _counted(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return await _Counted(coroutine, self)

    def waits(self) -> None:
        """One of the tasks waits."""
        self._left -= 1
        if self._left < 0 and not self.come:
            self.come = True
            asyncio.get_running_loop().call_soon(self._end_all)

    def _end_all(self) -> None:
        for task in self._tasks:
            task.cancel()


class _Counted:
    """Drives a coroutine, and tells of each wait."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], death: Death) -> None:
        self._coroutine = coroutine
        self._death = death

    def __await__(self) -> Generator[Any, Any, Any]:
        thrown: BaseException | None = None
        while True:
            try:
                waits_for = (
                    self._coroutine.send(None) if thrown is None else self._coroutine.throw(thrown)
                )
            except StopIteration as ended:
                return ended.value
            thrown = None
            self._death.waits()
            try:
                yield waits_for
            except BaseException as error:
                thrown = error
