"""When part of the load is turned away, and how much."""

from __future__ import annotations

import asyncio

import pytest

from quickpoll.errors import Overloaded
from quickpoll.foundation.batching import Batcher, Entry
from quickpoll.foundation.overload import Overload, largest_share


def test_a_burst_is_no_overload() -> None:
    overload = Overload()
    for late in (2.0, 2.0, 0.0, 2.0, 2.0):
        overload.look(late)
        assert not overload.shedding
        overload.judge()


def test_the_part_that_is_refused_grows_with_each_late_look_and_shrinks_more_slowly() -> None:
    overload = Overload()
    for _ in range(4):
        overload.look(0.3)
    assert overload.share == pytest.approx(0.2)
    overload.look(0.1)
    assert overload.share == pytest.approx(0.15)
    for _ in range(3):
        overload.look(0.1)
    assert not overload.shedding


def test_somebody_is_always_let_in() -> None:
    overload = Overload(chance=lambda: 0.95)
    for _ in range(100):
        overload.look(1.0)
    assert overload.share == largest_share
    overload.judge()


def test_the_share_is_refused() -> None:
    draws = iter([number / 100 for number in range(100)])
    overload = Overload(chance=lambda: next(draws))
    for _ in range(5):
        overload.look(1.0)
    refused = 0
    for _ in range(100):
        try:
            overload.judge()
        except Overloaded:
            refused += 1
    assert refused == 30
    assert Overloaded().headers == {"Retry-After": "1"}


def test_a_standing_queue_counts_like_a_late_loop() -> None:
    waits = iter([0.7, 0.8, 0.8, 0.8])
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
