"""What the scripts of :mod:`.scripts` answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from quickpoll.counting.tally import Mark

HELD_OFF = -1
"""What :meth:`TallyScripts.mark` answers for a poll that is being recounted."""


class PollState(StrEnum):
    """What the reconciler finds of a poll: to be recounted now, written to, or neither."""

    LOST = "lost"
    BUSY = "busy"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What Redis knows of a poll, times in seconds.

    ``wait``: until another look may be worth it. ``built``: since its state was built from
    nothing, negative where it never was. ``oldest_write``: age of the oldest batch in flight.
    """

    kind: PollState
    version: str
    wait: float
    built: float
    oldest_write: float

    def still(self, before: Inspection) -> bool:
        """Whether nothing has happened since a poll was found quiet."""
        return (self.kind, self.version) == (before.kind, before.version)


class Marked(NamedTuple):
    """The marks of a batch: their deadline, by which they are known, and the revision of each poll
    (0 where it is not known, :data:`HELD_OFF` where writers are held off)."""

    deadline: int
    revisions: dict[str, int]


@dataclass(frozen=True, slots=True)
class BarrierView:
    """What was found when a barrier was closed: how many batches are in flight, and the marks
    (by token) that are past their deadline. ``barrier`` is what it is known by, empty where
    somebody else's stands."""

    barrier: str
    in_flight: int
    expired: dict[str, Mark]


@dataclass(frozen=True, slots=True)
class InFlight:
    """Batches between their mark and their apply: seconds left of each, by token.

    ``unmarked_seconds``: for how long there may be others, ``None`` where that is not known.
    """

    unmarked_seconds: float | None
    left: dict[str, float]
