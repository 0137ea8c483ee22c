"""When part of the load is turned away, and how much."""

from __future__ import annotations

import asyncio

import pytest

from quickpoll.errors import Overloaded
from quickpoll.foundation.concurrency.batching import Batcher, Entry
from quickpoll.foundation.concurrency.overload import FEWEST, Overload


class Instance:
    """So many requests in hand, the oldest so old, by a clock of their own."""

    def __init__(self, in_hand: int, age: float = 2.0) -> None:
        self.now = 0.0
        self.overload = Overload(clock=lambda: self.now)
        for number in range(in_hand):
            self.overload.begin(number)
        self.now = age

    def look(self, late: float, times: int = 1) -> None:
        for _ in range(times):
            self.overload.look(late)

    def admits(self) -> bool:
        """Whether one more would be let in."""
        self.overload.begin("one more")
        try:
            self.overload.judge()
        except Overloaded:
            return False
        finally:
            self.overload.end("one more")
        return True


def test_a_burst_is_no_overload() -> None:
    some = Instance(5000)
    for _ in range(3):
        some.look(2.0, times=2)
        some.look(0.0)
    assert not some.overload.shedding
    assert some.admits()


@pytest.mark.parametrize(
    ("late", "age"),
    [(0.2, 2.5), (2.0, 1.4)],
    ids=["a store that hangs", "a busy loop that answers in time"],
)
def test_only_old_requests_of_a_late_loop_are_overload(late: float, age: float) -> None:
    some = Instance(5000, age)
    some.look(late, times=20)
    assert not some.overload.shedding


def test_the_bound_goes_down_while_requests_get_old_and_up_again_by_steps() -> None:
    some = Instance(1000)
    some.look(0.3, times=3)
    assert some.overload.limit == 800
    some.look(0.3)
    assert some.overload.limit == 640
    assert not some.admits()
    for number in range(900):
        some.overload.end(number)
    assert some.admits()
    assert (Overloaded().status, Overloaded().headers) == (503, {"Retry-After": "1"})

    for number in range(900, 1000):
        some.overload.end(number)
    for number in range(700):
        some.overload.begin(number)
    assert not some.admits()
    some.look(0.0)  # somebody was refused: the bound is what holds the load
    assert (some.overload.limit, some.overload.shedding) == (656, True)
    assert some.overload.share == pytest.approx(2 / 3)
    for number in range(700):
        some.overload.end(number)
    some.look(0.0)
    assert not some.overload.shedding


def test_somebody_is_always_let_in() -> None:
    some = Instance(1000)
    some.look(1.0, times=100)
    assert some.overload.limit == FEWEST


def test_a_standing_queue_counts_like_a_late_loop() -> None:
    waits = iter([1.4, 1.6, 1.6, 1.6])
    overload = Overload(lambda: 0.0, lambda: next(waits))
    for _ in range(3):
        overload.look(0.0)
        assert not overload.shedding
    overload.look(0.0)
    assert overload.shedding


async def test_only_who_does_not_fit_in_the_next_batch_stands() -> None:
    under_way, go_on = asyncio.Event(), asyncio.Event()

    async def flush(batch: list[Entry[int, int]]) -> None:
        under_way.set()
        await go_on.wait()
        for entry in batch:
            entry.resolve(entry.item)

    batcher: Batcher[int, int] = Batcher("votes", flush, largest=2)
    batcher.start()
    loop = asyncio.get_running_loop()
    first = asyncio.ensure_future(batcher.submit(0))
    await under_way.wait()
    waiting = [batcher.enqueue(number) for number in (1, 2)]
    assert batcher.standing_seconds() == 0.0  # a store that hangs is no overload
    waiting.append(batcher.enqueue(3))
    began = batcher._waiting[0].since
    assert batcher.standing_seconds() == pytest.approx(loop.time() - began, abs=0.5)
    assert batcher.standing_seconds() > 0
    go_on.set()
    assert [await first, *[await one for one in waiting]] == [0, 1, 2, 3]
    await batcher.aclose()
