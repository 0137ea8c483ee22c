"""Batches of an erasure.

Invariant: nothing that writes goes on when the batch is applied, whatever has failed; so what was
written is counted, and what is in doubt is marked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import monotonic

from quickpoll.counting.counted_path import CountedPath, Written
from quickpoll.counting.counters import Writing
from quickpoll.counting.tally import Mark
from quickpoll.foundation.concurrency.time_limits import HELD_SECONDS
from quickpoll.people.erasing import AT_ONCE

Write = Callable[[Writing, Written], Awaitable[None]]

BEGIN_SECONDS = 1.0
"""How long a batch begins with more writes: each of those then has as long again, by the time limit
of the batch. On a slow store a step does less, and does not fail."""


async def write_all(path: CountedPath, marks: Mapping[str, Mark], write: Write) -> None:
    """Write a batch to all of these polls, those too that are being recounted.

    They wait for that for a moment only: whatever gives up the counts of a poll asks for a recount,
    so an erasure that waited for each would put itself off. Raises what ``write`` raised, and where
    nothing could be marked.
    """
    writing, failure = await path.write_batch(marks, write)
    if failure is None and writing.held:
        await asyncio.sleep(HELD_SECONDS)
        held = {poll_id: marks[poll_id] for poll_id in writing.held}
        _, failure = await path.write_batch(held, write, pass_barriers=True)
    if failure is not None:
        raise failure


async def in_time(writes: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Do these writes, some at the same time; those that could not begin in time are left to the
    next step. Raises what the first one raised, when all have ended."""
    slots, until = asyncio.Semaphore(AT_ONCE), monotonic() + BEGIN_SECONDS

    async def one(write: Callable[[], Awaitable[None]]) -> None:
        async with slots:
            if monotonic() < until:
                await write()

    ended = await asyncio.gather(*map(one, writes), return_exceptions=True)
    for failure in ended:
        if failure is not None:
            raise failure
