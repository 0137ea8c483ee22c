"""Tasks end, also those that lose a cancellation."""

from __future__ import annotations

import asyncio

from quickpoll.foundation.concurrency.cancellation import cancel


async def test_a_task_that_loses_its_first_cancellation_ends_all_the_same() -> None:
    lost: list[str] = []

    async def forgetful() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append("one")

    task = asyncio.create_task(forgetful())
    await asyncio.sleep(0)
    await cancel(task)
    assert task.cancelled()
    assert lost


async def test_how_a_task_has_ended_does_not_matter() -> None:
    async def fail() -> None:
        raise ValueError

    failed, cancelled = asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(60))
    await cancel(failed, cancelled)
    assert failed.done()
    assert cancelled.cancelled()
    await cancel()
