"""The counts of a poll as plain values, what changes them, and what must be able to count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import orjson

STATE_FORM = 2
"""Of a state in Redis. Another form counts as missing, and is recounted."""


@dataclass(frozen=True, slots=True)
class Tally:
    """All counts of one poll at one version (see :mod:`.versions`).

    ``public_version`` moves only when something changes that everybody may see: whoever may not
    see the results gets that one, so that its steps do not tell how many have voted.
    ``revision`` is that of the poll's own fields at this version; ``current`` is false where it may
    just have been exceeded: then the poll is to be read from MongoDB.
    """

    options: dict[str, int]
    voters: int
    likes: int
    version: int
    public_version: int
    revision: int
    current: bool = True

    @property
    def votes(self) -> int:
        """Choices made: the sum over the options."""
        return sum(self.options.values())

    def of_options(self, option_ids: Iterable[str]) -> dict[str, int]:
        """The votes of these options. The poll may have been read at another revision than the
        counts: as long as its options can be changed, nobody has voted."""
        return {option: self.options.get(option, 0) for option in option_ids}


@dataclass(frozen=True, slots=True)
class Counted:
    """What MongoDB holds of a poll, counted through its indexes; ``change`` is the name of the
    poll's latest change."""

    options: dict[str, int]
    voters: int
    likes: int
    revision: int
    change: str = ""


@dataclass(slots=True)
class Delta:
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


class MarkKind(StrEnum):
    """What a batch writes: ballots, likes, or the poll itself."""

    VOTES = "v"
    LIKES = "l"
    CHANGE = "c"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a batch may write to one poll: the documents of these users, or the poll's own."""

    kind: MarkKind
    user_ids: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As it stands in Redis, behind the deadline."""
        return f"{self.kind} {','.join(self.user_ids)}"

    @staticmethod
    def parse(text: str) -> Mark:
        """A mark as it stands in Redis. What is none is taken for a change: its fence is the
        mildest."""
        _, _, rest = text.partition(" ")
        kind, _, ids = rest.partition(" ")
        if kind not in tuple(MarkKind):
            return Mark(MarkKind.CHANGE)
        return Mark(MarkKind(kind), tuple(ids.split(",")) if ids else ())


def marks_of(kind: MarkKind, writes: Iterable[tuple[str, str]]) -> dict[str, Mark]:
    """The marks of a batch of ``(poll id, user id)``, by poll."""
    users: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for poll_id, user_id in writes:
        users[poll_id][user_id] = None
    return {poll_id: Mark(kind, tuple(of_poll)) for poll_id, of_poll in users.items()}


@dataclass(frozen=True, slots=True)
class PollChange:
    """A change of the poll itself, to be announced: ``name`` is empty where nothing has changed,
    ``option_ids`` are those that the poll has at that revision, ``repeated`` says that it may have
    been announced before."""

    name: str = ""
    revision: int = 0
    option_ids: tuple[str, ...] = ()
    repeated: bool = False


class Census(Protocol):
    """Counts in MongoDB, the truth."""

    async def count(self, poll_id: str) -> Counted | None:
        """Count one poll; ``None`` when there is no such poll."""

    async def counts(self, poll_ids: Iterable[str]) -> dict[str, Counted]:
        """Count several while ballots are cast and changed: no ballot is seen in two states. A poll
        that is not there is not in the answer."""

    async def existing(self, poll_ids: Iterable[str]) -> set[str]:
        """Those of the polls that there are."""

    async def mend_likes(self, poll_id: str, likes: int) -> None:
        """Correct the copy of the likes that the poll's document keeps for sorting."""


class Fences(Protocol):
    """Makes writes powerless whose answer nobody heard, wherever they still are."""

    async def fence(self, poll_id: str, mark: Mark) -> None:
        """After this nothing changes in MongoDB that was sent under the mark before.

        Raises a MongoDB error; then nothing is known.
        """


def parse_state(raw: Any, run_id: str) -> Tally | None:
    """The counts in a stored state; ``None`` where it is missing, not one that this version of the
    service writes, of another run, or incomplete."""
    try:
        state = orjson.loads(raw)
        if state["form"] != STATE_FORM or state["run"] != run_id or state["missing"]:
            return None
        return Tally(
            options={str(option): int(votes) for option, votes in state["options"].items()},
            voters=int(state["voters"]),
            likes=int(state["likes"]),
            version=int(state["version"]),
            public_version=int(state["publicVersion"]),
            revision=int(state["revision"]),
            current=not state["changing"],
        )
    except (TypeError, ValueError, KeyError, AttributeError, IndexError):
        return None
