"""One timer for many waits."""

from __future__ import annotations

import asyncio

import pytest

from quickpoll.foundation.concurrency.shared_timeout import SharedTimeout, TimeLimit


async def test_those_that_wait_too_long_are_given_up_in_order() -> None:
    given_up: list[str] = []
    last = asyncio.Event()

    def note(waiter: str) -> None:
        given_up.append(waiter)
        if waiter == "c":
            last.set()

    patience = SharedTimeout(0.01, note)
    for waiter in ("a", "b", "c"):
        patience.begin(waiter)
    patience.end("b")
    await last.wait()
    patience.end("a")  # what was given up may still end

    assert given_up == ["a", "c"]


async def test_it_looks_again_for_those_that_came_later() -> None:
    given_up: asyncio.Queue[str] = asyncio.Queue()

    def note(waiter: str) -> None:
        given_up.put_nowait(waiter)
        if waiter == "first":
            patience.begin("second")

    patience = SharedTimeout(0.01, note)
    patience.begin("first")

    assert [await given_up.get(), await given_up.get()] == ["first", "second"]


async def limited(limit: TimeLimit, work: asyncio.Event) -> str:
    task = limit.begin()
    try:
        await work.wait()
        return "done"
    except asyncio.CancelledError:
        limit.judge(task)
        raise
    finally:
        limit.end(task)


async def test_a_task_in_time_is_left_alone() -> None:
    work = asyncio.Event()
    work.set()
    assert await limited(TimeLimit(0.01), work) == "done"


async def test_a_task_over_its_time_has_timed_out_and_goes_on() -> None:
    limit = TimeLimit(0.01)
    with pytest.raises(TimeoutError):
        await limited(limit, asyncio.Event())

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    with pytest.raises(TimeoutError):  # the same task may be limited again
        await limited(limit, asyncio.Event())


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    limit = TimeLimit(10)
    task = asyncio.create_task(limited(limit, asyncio.Event()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_together_with_the_limit_stays_one() -> None:
    limit = TimeLimit(0.01)
    seen: list[BaseException] = []

    async def both() -> None:
        task = limit.begin()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            task.cancel()  # before it was judged, somebody else cancelled, too
            limit.judge(task)
            seen.append(asyncio.CancelledError())
            raise
        finally:
            limit.end(task)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(both())
    assert seen
