"""The steps of a barrier, one by one: who is waited for, who becomes stale, and when it opens."""

from __future__ import annotations

import asyncio

import pytest

from quickpoll.foundation.concurrency.time_limits import BARRIER_SECONDS
from quickpoll.repair.barrier import WriteBarrier
from tests.exact.pair import settles
from tests.exact.stepping import Steps


async def test_a_batch_that_ends_soon_is_waited_for(steps: Steps) -> None:
    poll = await steps.poll()
    writing = await steps.a.begin(poll)
    look = steps.b.wires.redis.catch(b"EVALSHA", b":barrier", str(poll.id).encode(), nth=1)

    async def close() -> dict[str, str]:
        async with WriteBarrier(steps.b.counters.scripts).closed(str(poll.id)):
            return await steps.marks(poll)

    closing = asyncio.create_task(close())
    await look.caught()  # it has found the batch, and looks again
    deltas = {str(poll.id): await steps.write_ballot(poll)}
    assert await steps.a.counters.finish(writing, deltas) == set()
    look.release()
    assert await closing == {}


async def test_a_batch_that_takes_longer_becomes_stale(steps: Steps) -> None:
    poll = await steps.poll()
    await steps.a.begin(poll)
    async with WriteBarrier(steps.b.counters.scripts).closed(str(poll.id)) as barrier:
        assert [mark[0] for mark in (await steps.marks(poll)).values()] == ["s"]
        assert await steps.redis.get(steps.keys.barrier(str(poll.id))) == barrier.name


async def test_a_barrier_is_kept_closed_as_long_as_a_count_takes(steps: Steps) -> None:
    poll = await steps.poll()
    name, nearly_over = steps.keys.barrier(str(poll.id)), int(BARRIER_SECONDS * 500)

    async def not_kept() -> list[str]:
        left = await steps.redis.pttl(name)
        return [] if left > nearly_over else [f"it opens in {left} ms"]

    async with WriteBarrier(steps.b.counters.scripts).closed(str(poll.id)):
        await steps.redis.pexpire(name, nearly_over)
        await settles(not_kept)


async def test_a_count_that_comes_to_nothing_lets_the_writers_in(steps: Steps) -> None:
    poll = await steps.poll()
    with pytest.raises(RuntimeError):
        async with WriteBarrier(steps.b.counters.scripts).closed(str(poll.id)):
            raise RuntimeError
    assert await steps.redis.exists(steps.keys.barrier(str(poll.id))) == 0


async def test_a_barrier_that_was_lost_is_not_taken_up_again(steps: Steps) -> None:
    """Another recount has closed it since."""
    poll = await steps.poll()
    scripts, name = steps.b.counters.scripts, steps.keys.barrier(str(poll.id))
    await scripts.close_barrier(str(poll.id), "ours", wait=False)
    await steps.redis.set(name, "theirs", px=1_000)
    assert not await scripts.keep_barrier(str(poll.id), "ours")
    await scripts.leave_barrier(str(poll.id), "ours")
    assert await steps.redis.get(name) == "theirs"
    assert await steps.redis.pttl(name) <= 1_000
    assert not (await scripts.close_barrier(str(poll.id), "ours", wait=False)).barrier
