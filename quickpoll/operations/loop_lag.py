"""How late the event loop is: whatever holds it up holds up everybody."""

from __future__ import annotations

import asyncio

from quickpoll.foundation.observability import metrics

LOOK_SECONDS = 0.5


class LoopLag:
    """Looks twice a second by how much a timer was late."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start to look."""
        self._look_at(asyncio.get_running_loop().time() + LOOK_SECONDS)

    async def aclose(self) -> None:
        """Stop looking."""
        if self._timer is not None:
            self._timer.cancel()

    def _look_at(self, due: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(due, self._look, due)

    def _look(self, due: float) -> None:
        now = asyncio.get_running_loop().time()
        metrics.loop_lag.observe(max(now - due, 0.0))
        self._look_at(now + LOOK_SECONDS)
