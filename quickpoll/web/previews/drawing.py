"""Pictures of polls: drawn one at a time by a process of its own, and kept.

Invariants:

- At most one picture is drawn at a time on this instance, and few wait for it.
- A picture is drawn again when the version has changed, and a poll's at most once in
  :data:`KEEP_SECONDS`: what is a few seconds old will do for a link.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import structlog

from quickpoll.errors import Overloaded
from quickpoll.web.previews.pen import NO_LETTERS

log = structlog.get_logger(__name__)

KEEP_SECONDS = 10.0
REMEMBERED = 200
"""Pictures in memory, some 30 kB each."""

MOST_WAITING = 16
LONGEST_SECONDS = 8.0

PEN = (sys.executable, "-m", "quickpoll.web.previews.pen")


@dataclass(frozen=True)
class _Kept:
    version: int
    at: float
    png: bytes | None


class Drawing:
    """Draws, and keeps what was drawn last."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self.drawn = 0
        """How many were drawn, for whoever wonders."""

    async def of(self, poll_id: str, version: int, sheet: Callable[[], str]) -> bytes | None:
        """The picture of a poll at this version, or of a few seconds ago; ``None`` where it
        cannot be drawn. Raises :class:`~quickpoll.errors.Overloaded`."""
        if self._has(poll_id, version):
            return self._kept[poll_id].png
        if self._waiting >= MOST_WAITING:
            raise Overloaded("Too many pictures are being drawn; try again in a moment.")
        self._waiting += 1
        try:
            async with self._turn:
                if not self._has(poll_id, version):
                    self._keep(poll_id, _Kept(version, self._clock(), await self._draw(sheet())))
        finally:
            self._waiting -= 1
        return self._kept[poll_id].png

    def _has(self, poll_id: str, version: int) -> bool:
        kept = self._kept.get(poll_id)
        if kept is None:
            return False
        return kept.version == version or self._clock() - kept.at < KEEP_SECONDS

    def _keep(self, poll_id: str, kept: _Kept) -> None:
        self._kept[poll_id] = kept
        self._kept.move_to_end(poll_id)
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)

    async def _draw(self, svg: str) -> bytes | None:
        self.drawn += 1
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *PEN, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                png, _ = await process.communicate(svg.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return png
        if process.returncode != NO_LETTERS:
            log.warning("picture_not_drawn", status=process.returncode)
        return None
