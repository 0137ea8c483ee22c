"""A log as its writer finds it, and one step of it, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bson import ObjectId


@dataclass(frozen=True, slots=True)
class Published:
    """What anybody may see of a log: its size, its root, and both signed."""

    size: int
    root: bytes
    note: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What the entries of a log say, all in all: see :class:`.models.PollLog`."""

    phase: int = 0
    held: int = 0
    voted: bool = False
    counted: int = 0
    defined: str = ""

    def after(self, lines: list[str]) -> Told:
        """With these entries of ballots."""
        kinds = [line.partition(" ")[0] for line in lines]
        gone = sum(kind == "retract" or (kind == "erase" and not self.closed) for kind in kinds)
        held = self.held + kinds.count("cast") - gone
        return replace(self, held=held, voted=self.voted or "cast" in kinds)

    @property
    def closed(self) -> bool:
        """Whether the poll is closed by what the entries say."""
        return self.phase % 2 == 1


@dataclass(frozen=True, slots=True)
class Step:
    """Entries that go into the log next, in this order, and what it then tells.

    ``whole`` are ballots of which nothing waits beyond these entries, each with the mark under
    which it was read; of the ballots in ``parts`` something else waits, too. ``publish``: what the
    log has after this step is shown to everybody.
    """

    lines: list[str]
    told: Told
    publish: bool = True
    whole: list[tuple[ObjectId, str]] = field(default_factory=list)
    parts: list[ObjectId] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LogState:
    """The log of a poll."""

    poll_id: str
    key: str
    size: int = 0
    step: int = 0
    told: Told = Told()
    published: Published | None = None
    journal: Step | None = None
