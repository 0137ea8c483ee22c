"""Batches: what goes out together, what waits, and what each submitter hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar

import pytest

from quickpoll.errors import Overloaded, Unavailable
from quickpoll.foundation.concurrency.batching import Batcher, Entry

Numbers = Batcher[int, int]


class Works:
    """A place where batches go: each waits there until the test lets it through."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.arrived: asyncio.Queue[list[Entry[int, int]]] = asyncio.Queue()
        self.go_on = asyncio.Semaphore(0)

    async def flush(self, batch: list[Entry[int, int]]) -> None:
        """Answer each number with its double, once the test says so."""
        self.batches.append([entry.item for entry in batch])
        self.arrived.put_nowait(batch)
        await self.go_on.acquire()
        for entry in batch:
            entry.resolve(entry.item * 2)

    def let_through(self, batches: int = 100) -> None:
        """Let so many batches through."""
        for _ in range(batches):
            self.go_on.release()


@pytest.fixture
def works() -> Works:
    """Where the batches of this test go."""
    return Works()


@pytest.fixture
async def make(works: Works) -> AsyncIterator[Callable[..., Numbers]]:
    """Makes started batchers; all end with the test."""
    made: list[Numbers] = []

    def start(**options: float) -> Numbers:
        batcher: Numbers = Batcher("numbers", works.flush, **options)  # type: ignore[arg-type]
        batcher.start()
        made.append(batcher)
        return batcher

    yield start
    works.let_through()
    for batcher in made:
        await batcher.aclose()


Make = Callable[..., Numbers]


async def submit(batcher: Numbers, *items: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(batcher.submit(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def test_alone_an_item_goes_at_once_and_what_arrives_meanwhile_goes_together(
    make: Make, works: Works
) -> None:
    batcher = make()
    first = await submit(batcher, 1)
    await works.arrived.get()
    rest = await submit(batcher, 2, 3, 4)
    assert batcher.depth == 3
    works.let_through()
    assert await asyncio.gather(*first, *rest) == [2, 4, 6, 8]
    assert works.batches == [[1], [2, 3, 4]]


async def test_a_batch_has_a_largest_size(make: Make, works: Works) -> None:
    tasks = await submit(make(largest=2), 1, 2, 3, 4, 5)
    works.let_through()
    await asyncio.gather(*tasks)
    assert works.batches == [[1, 2], [3, 4], [5]]


async def test_lanes_run_side_by_side(make: Make, works: Works) -> None:
    batcher = make(workers=2, largest=1)
    tasks = await submit(batcher, 1, 2, 3)
    await works.arrived.get()
    await works.arrived.get()
    assert works.batches == [[1], [2]]
    works.let_through()
    await asyncio.gather(*tasks)


async def test_beyond_the_capacity_it_is_overloaded(make: Make, works: Works) -> None:
    batcher = make(capacity=2)
    tasks = await submit(batcher, 1)
    await works.arrived.get()
    tasks += await submit(batcher, 2, 3)
    with pytest.raises(Overloaded):
        await batcher.submit(4)
    works.let_through()
    assert await asyncio.gather(*tasks) == [2, 4, 6]


async def test_a_failed_batch_fails_those_that_are_open_and_the_next_goes_on() -> None:
    async def flush(batch: list[Entry[int, int]]) -> None:
        batch[0].resolve(0)
        if batch[0].item == 1:
            raise ValueError("no")

    batcher: Numbers = Batcher("numbers", flush)
    batcher.start()
    first, second = await submit(batcher, 1, 2)
    assert await first == 0
    with pytest.raises(ValueError, match="no"):
        await second
    assert await batcher.submit(3) == 0
    await batcher.aclose()


async def test_whoever_leaves_changes_nothing(make: Make, works: Works) -> None:
    (leaving,) = await submit(make(), 1)
    batch = await works.arrived.get()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert not batch[0].waiting
    assert not batch[0].given_up
    batch[0].resolve(2)  # late answers find nobody, and that is no error
    batch[0].reject(ValueError())


async def test_what_was_handed_over_by_someone_who_left_is_still_written(
    make: Make, works: Works
) -> None:
    batcher = make()
    await submit(batcher, 1)
    await works.arrived.get()
    (leaving,) = await submit(batcher, 2)
    leaving.cancel()
    works.let_through()
    await works.arrived.get()
    assert works.batches == [[1], [2]]


async def test_patience_ends_the_wait_and_what_was_refused_is_not_written(
    make: Make, works: Works
) -> None:
    batcher = make(patience=0.02)
    (first,) = await submit(batcher, 1)
    await works.arrived.get()
    (second,) = await submit(batcher, 2)
    for task in (first, second):
        with pytest.raises(Unavailable):
            await task
    works.let_through()
    assert await batcher.submit(3) == 6
    assert works.batches == [[1], [3]]


async def test_what_is_put_back_goes_first_and_in_its_order() -> None:
    batches: list[list[int]] = []
    tasks: list[asyncio.Task[int]] = []

    async def flush(batch: list[Entry[int, int]]) -> None:
        batches.append([entry.item for entry in batch])
        if len(batches) == 1:
            tasks.extend(await submit(batcher, 4))
            batcher.requeue(batch)
        else:
            for entry in batch:
                entry.resolve(entry.item * 2)

    batcher: Numbers = Batcher("numbers", flush, largest=3)
    batcher.start()
    tasks += await submit(batcher, 1, 2, 3)
    assert await asyncio.gather(*tasks[:3]) == [2, 4, 6]
    assert await tasks[3] == 8
    assert batches == [[1, 2, 3], [1, 2, 3], [4]]
    await batcher.aclose()


async def test_its_end_flushes_what_waits_and_refuses_what_comes(make: Make, works: Works) -> None:
    batcher = make(largest=1)
    tasks = await submit(batcher, 1, 2, 3)
    await works.arrived.get()
    end = asyncio.create_task(batcher.aclose())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await batcher.submit(4)
    works.let_through()
    await end
    assert await asyncio.gather(*tasks) == [2, 4, 6]


async def test_before_its_start_it_takes_nothing() -> None:
    with pytest.raises(Unavailable):
        await Batcher[int, int]("numbers", Works().flush).submit(1)


async def test_batches_run_outside_of_any_request(make: Make) -> None:
    current: ContextVar[str] = ContextVar("current", default="nobody's")
    seen: list[str] = []

    async def flush(batch: list[Entry[int, int]]) -> None:
        seen.append(current.get())
        for entry in batch:
            entry.resolve(0)

    batcher: Numbers = Batcher("numbers", flush)
    batcher.start()
    current.set("somebody's request")
    await batcher.submit(1)
    assert seen == ["nobody's"]
    await batcher.aclose()
