"""Batches of an erasure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from quickpoll.counting.counted_path import CountedPath, Written
from quickpoll.counting.counters import Writing
from quickpoll.counting.tally import Mark
from quickpoll.foundation.concurrency.time_limits import HELD_SECONDS

Write = Callable[[Writing, Written], Awaitable[None]]


async def write_all(path: CountedPath, marks: Mapping[str, Mark], write: Write) -> None:
    """Write a batch to all of these polls, those too that are being recounted.

    They wait for that once, like ballots: whatever gives up the counts of a poll asks for a
    recount, so an erasure that waited for each would put itself off. Raises what ``write`` raised,
    and where nothing could be marked.
    """
    writing, failure = await path.write_batch(marks, write)
    if failure is None and writing.held:
        await asyncio.sleep(HELD_SECONDS)
        held = {poll_id: marks[poll_id] for poll_id in writing.held}
        _, failure = await path.write_batch(held, write, pass_barriers=True)
    if failure is not None:
        raise failure
