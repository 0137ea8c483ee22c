"""Ending tasks for good."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_SECONDS = 0.5


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until each has ended, however it ends.

    Once is not enough. On Python 3.11 ``asyncio.wait_for`` loses a cancellation that arrives
    together with what it waits for, and redis-py sends its commands with it: a loop that was
    cancelled at that moment would go on for ever.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
