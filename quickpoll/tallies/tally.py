"""The counts of a poll as plain values, and what changes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from time import time
from typing import Protocol

import orjson


@dataclass(frozen=True, slots=True)
class Tally:
    """All counts of one poll at one version (microseconds since 1970, strictly growing).

    ``public_version`` moves only when something changes that everybody may see: whoever may not
    see the results gets that one, so that its steps do not tell how many have voted.
    ``revision`` is that of the poll's own fields, 0 where it is not known. ``settled`` is false
    for counts that a recount has yet to confirm, since writes from before it may still land.
    """

    options: dict[str, int]
    voters: int
    likes: int
    version: int
    public_version: int
    revision: int = 0
    settled: bool = True

    @property
    def votes(self) -> int:
        """Choices made: the sum over the options."""
        return sum(self.options.values())


@dataclass(frozen=True, slots=True)
class Counted:
    """What MongoDB holds of a poll, counted through its indexes.

    ``hung``: MongoDB took suspiciously long to answer at first, so that writes which were sent
    to it before may land now.
    """

    options: dict[str, int]
    voters: int
    likes: int
    revision: int
    hung: bool = False


@dataclass(slots=True)
class Change:
    """What a batch adds to (or takes from) the counts of one poll."""

    options: Counter[str] = field(default_factory=Counter)
    voters: int = 0
    likes: int = 0
    retracted: bool = False

    def ballot(self, before: Collection[str], after: Collection[str]) -> None:
        """Count a ballot that was ``before`` and is ``after``; empty means there is none."""
        for option in after:
            self.options[option] += 1
        for option in before:
            self.options[option] -= 1
        self.voters += bool(after) - bool(before)
        self.retracted |= not after

    def steps(self) -> list[tuple[str, int]]:
        """The options whose counts change, and by how much."""
        return [(option, step) for option, step in self.options.items() if step]


class Census(Protocol):
    """Counts in MongoDB, the truth."""

    async def count(self, poll_id: str) -> Counted | None:
        """Count one poll; ``None`` when there is no such poll."""

    async def counts(self, poll_ids: Iterable[str]) -> dict[str, Counted]:
        """Count several; a poll that is not there is not in the answer."""

    async def mend_likes(self, poll_id: str, likes: int) -> None:
        """Correct the copy of the likes that the poll's document keeps for sorting."""


def parse_state(raw: str | None, run_id: str) -> Tally | None:
    """The counts in a stored state; ``None`` where it is missing, of another run or incomplete."""
    if raw is None:
        return None
    state = orjson.loads(raw)
    if state["run"] != run_id or state["d"]:
        return None
    return Tally(
        options=state["o"],
        voters=state["n"],
        likes=state["l"],
        version=int(state["v"]),
        public_version=int(state["p"]),
        revision=state["r"],
        settled=not state["q"],
    )


def microseconds() -> int:
    """Now, in microseconds since 1970: the unit of versions."""
    return int(time() * 1_000_000)
