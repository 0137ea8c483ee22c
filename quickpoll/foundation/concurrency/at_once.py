"""Several works at the same time, but not too many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable


async def some_at_once(works: Iterable[Awaitable[None]], most: int) -> None:
    """Do all of it, so much at the same time. Raises what the first one that fails raises."""
    slots = asyncio.Semaphore(most)

    async def one(work: Awaitable[None]) -> None:
        async with slots:
            await work

    await asyncio.gather(*map(one, works))
