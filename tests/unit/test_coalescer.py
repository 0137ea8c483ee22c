"""The loop that shows what has changed: nothing that was marked is forgotten."""

from __future__ import annotations

import asyncio
from itertools import count

from quickpoll.realtime.coalescer import Coalescer, Kinds


class Screens:
    """Takes what is delivered; cannot at first, where it is told so."""

    def __init__(self, failures: int = 0) -> None:
        self.shown: asyncio.Queue[dict[str, Kinds]] = asyncio.Queue()
        self._failures = failures

    async def deliver(self, due: dict[str, Kinds]) -> dict[str, int]:
        """Answers that one event of each poll went out."""
        if self._failures:
            self._failures -= 1
            raise OSError("the stores are away")
        self.shown.put_nowait(due)
        return dict.fromkeys(due, 1)


async def test_what_changes_while_nothing_else_does_is_told() -> None:
    screens = Screens()
    coalescer = Coalescer(screens.deliver)
    coalescer.start()
    await asyncio.sleep(0)  # it waits for the first mark
    coalescer.mark("a", "vote-update")
    async with asyncio.timeout(10):
        assert await screens.shown.get() == {"a": {"vote-update"}}
    await coalescer.aclose()


async def test_what_could_not_be_read_is_told_later() -> None:
    screens = Screens(failures=1)
    # Whenever it looks at the clock, whatever it has put off is due.
    coalescer = Coalescer(screens.deliver, clock=count(0.0, 100.0).__next__)
    coalescer.mark("a", "like-update")
    coalescer.mark("a", "vote-update")
    coalescer.start()
    async with asyncio.timeout(10):
        assert await screens.shown.get() == {"a": {"vote-update", "like-update"}}
    await coalescer.aclose()
