"""Batches: what arrives while one batch is under way goes out together in the next.

There is no delay to tune: alone, an item goes at once; under load, batches grow by themselves
(group commit: Gray and Reuter, *Transaction Processing*, section 9.4). Votes, likes and reads of
counts all use it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from quickpoll.errors import Overloaded, Unavailable
from quickpoll.foundation.concurrency.shared_timeout import SharedTimeout
from quickpoll.foundation.concurrency.time_limits import WAIT_IN_LINE_SECONDS
from quickpoll.foundation.observability import metrics, tracing

Item = TypeVar("Item")
Result = TypeVar("Result")


class Entry(Generic[Item, Result]):
    """One item in a batch, and the future that its submitter waits for."""

    __slots__ = ("future", "item", "origin", "since")

    def __init__(
        self,
        item: Item,
        future: asyncio.Future[Result],
        origin: object | None = None,
        since: float = 0.0,
    ) -> None:
        self.item = item
        self.future = future
        self.since = since  # by the clock of the event loop
        self.origin = origin  # the span of the request, where it is traced

    def resolve(self, result: Result) -> None:
        """Hand the submitter its result; a submitter that has left is no error."""
        if not self.future.done():
            self.future.set_result(result)

    def reject(self, error: BaseException) -> None:
        """Hand the submitter its error."""
        if not self.future.done():
            self.future.set_exception(error)

    @property
    def given_up(self) -> bool:
        """Whether the submitter has been told that it failed: then it must not happen any more.

        One that has merely left may have meant it.
        """
        return self.future.done() and not self.future.cancelled()

    @property
    def waiting(self) -> bool:
        """Whether the entry has neither result nor error yet (a cancelled one has)."""
        return not self.future.done()


class Batcher(Generic[Item, Result]):
    """Collects items and hands them to ``flush`` in batches, ``workers`` at a time.

    ``flush`` resolves, rejects or requeues each entry; an exception of its own rejects those that
    are open, and patience ends every wait, so nobody hangs. A submitter that is cancelled changes
    nothing: what was handed over is written all the same.

    ``capacity`` bounds the items that wait (:class:`~quickpoll.errors.Overloaded` beyond it),
    ``largest`` the items of one batch, ``patience`` the seconds a submitter waits
    (:class:`~quickpoll.errors.Unavailable` beyond it).
    """

    def __init__(
        self,
        name: str,
        flush: Callable[[list[Entry[Item, Result]]], Awaitable[None]],
        *,
        capacity: int = 10_000,
        largest: int = 512,
        workers: int = 1,
        patience: float = WAIT_IN_LINE_SECONDS,
    ) -> None:
        self.name = name
        self._flush = flush
        self._capacity = capacity
        self._largest = largest
        self._worker_count = workers
        self._patience: SharedTimeout[asyncio.Future[Result]] = SharedTimeout(patience, _give_up)
        self._waiting: deque[Entry[Item, Result]] = deque()
        self._arrived = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._closing = False
        self._sizes = metrics.batch_sizes.labels(name)
        self._times = metrics.batch_times.labels(name)

    @property
    def depth(self) -> int:
        """How many items wait for a batch."""
        return len(self._waiting)

    def standing_seconds(self) -> float:
        """How long the oldest has been waiting, where more wait than one batch takes."""
        if len(self._waiting) <= self._largest:
            return 0.0
        return asyncio.get_running_loop().time() - self._waiting[0].since

    def start(self) -> None:
        """Start the workers, in a context of their own: no request's deadline reaches them."""
        self._workers = [
            asyncio.create_task(self._work(), name=f"{self.name}-{number}")
            for number in range(self._worker_count)
        ]

    async def aclose(self) -> None:
        """Flush all that waits, then end. Later submissions are refused."""
        self._closing = True
        self._arrived.set()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for entry in self._waiting:
            entry.reject(Unavailable())
        self._waiting.clear()

    async def submit(self, item: Item) -> Result:
        """Wait for the result of ``item``, which goes out in the next batch."""
        return await self.outcome(self.enqueue(item))

    def enqueue(self, item: Item) -> asyncio.Future[Result]:
        """Put ``item`` in line for the next batch."""
        if self._closing or not self._workers:
            raise Unavailable("This instance is stopping.")
        if len(self._waiting) >= self._capacity:
            raise Overloaded
        loop = asyncio.get_running_loop()
        entry: Entry[Item, Result] = Entry(item, loop.create_future(), since=loop.time())
        if tracing.is_on():
            entry.origin = tracing.here()
        self._waiting.append(entry)
        self._arrived.set()
        return entry.future

    async def outcome(self, future: asyncio.Future[Result]) -> Result:
        """Wait for a future of :meth:`enqueue`, at most ``patience`` seconds."""
        self._patience.begin(future)
        try:
            return await future
        finally:
            self._patience.end(future)

    def requeue(self, entries: list[Entry[Item, Result]]) -> None:
        """Put entries back at the head of the line (their poll was being recounted)."""
        self._waiting.extendleft(reversed(entries))
        self._arrived.set()

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                if self._closing:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            if batch := self._take():
                await self._run(batch)

    def _take(self) -> list[Entry[Item, Result]]:
        batch: list[Entry[Item, Result]] = []
        while self._waiting and len(batch) < self._largest:
            entry = self._waiting.popleft()
            if not entry.given_up:
                batch.append(entry)
        return batch

    async def _run(self, batch: list[Entry[Item, Result]]) -> None:
        began = asyncio.get_running_loop().time()
        try:
            with tracing.of_batch(self.name, (entry.origin for entry in batch), len(batch)):
                await self._flush(batch)
        except Exception as error:
            for entry in batch:
                entry.reject(error)
        finally:
            self._sizes.observe(len(batch))
            self._times.observe(asyncio.get_running_loop().time() - began)


def _give_up(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_exception(Unavailable())
