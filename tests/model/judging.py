"""What must hold: what counts may say of the ballots that there were, and who may see what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

Choice = tuple[str, ...]
Person = tuple[str, str, str]
"""Collection, poll and user."""

Vector = dict[Person, int]


@dataclass
class Record:
    """Everything that one user's document on one poll has said, in order."""

    states: list[Choice] = field(default_factory=lambda: [()])
    acknowledged: int = 0
    under_way: int = 0
    crowded: bool = False
    """Whether several things have been wanted at a time: then nobody can tell what comes last."""
    final: Choice | None = None
    """What it must say as long as nothing is under way: what was acknowledged last."""


@dataclass(frozen=True)
class Shown:
    """Counts that somebody could see, at a version."""

    version: int
    options: dict[str, int]
    voters: int
    likes: int
    more: Any = None
    """The poll's status and revision, where they are known."""

    def agrees(self, other: Shown) -> bool:
        """Whether both say the same."""
        mine, theirs = (
            (self.options, self.voters, self.likes),
            (
                other.options,
                other.voters,
                other.likes,
            ),
        )
        return mine == theirs and (None in (self.more, other.more) or self.more == other.more)


class Judge:
    """Knows what was written and what was acknowledged of one poll."""

    def __init__(self, poll_id: str) -> None:
        self.poll_id = poll_id
        self.records: dict[Person, Record] = {}
        self.shown: dict[int, Shown] = {}
        self.closed: list[tuple[str, Choice]] | None = None

    def record(self, person: Person) -> Record:
        return self.records.setdefault(person, Record())

    def saw(self, person: Person, choice: Choice) -> None:
        """The document says so now."""
        states = self.record(person).states
        if states[-1] != choice:
            states.append(choice)

    def begins(self, person: Person) -> None:
        """The user wants something."""
        record = self.record(person)
        record.crowded |= record.under_way > 0
        record.under_way += 1
        record.final = None

    def ends(self, person: Person, choice: Choice | None) -> None:
        """The user was answered (``None``: that nobody knows)."""
        record = self.record(person)
        record.under_way -= 1
        crowded, record.crowded = record.crowded, record.crowded and record.under_way > 0
        if choice is None:
            record.final = None
            return
        assert choice in record.states, f"acknowledged, not written: {person} {choice}"
        last = max(place for place, state in enumerate(record.states) if state == choice)
        record.acknowledged = max(record.acknowledged, last)
        record.final = None if crowded else choice

    def acknowledged(self) -> Vector:
        """How far each record is acknowledged."""
        return {person: one.acknowledged for person, one in self.records.items()}

    def check_records(self) -> None:
        """What was acknowledged stands; after a close, all of it."""
        for person, record in self.records.items():
            if record.final is not None and not record.under_way:
                now = record.states[-1]
                assert now == record.final, f"{person}: {now} after {record.final}"
        if self.closed is not None:
            now_standing = self.standing()
            assert now_standing == self.closed, f"after the close: {now_standing}"

    def standing(self) -> list[tuple[str, Choice]]:
        """The ballots that count."""
        return sorted(
            (user, one.states[-1])
            for (kind, _, user), one in self.records.items()
            if kind == "vote" and one.states[-1]
        )

    def check(self, shown: Shown, since: Mapping[Person, int] | None = None) -> None:
        """Counts that somebody trusts hold what is acknowledged, nothing twice, nothing unwritten.

        ``since``: what was acknowledged when the reading began.
        """
        least = self.acknowledged() if since is None else since
        assert next(self._explained(shown, least), None) is not None, (
            f"counts that cannot be: {shown}, acknowledged {dict(least)}, "
            f"written { {p: r.states for p, r in self.records.items()} }"
        )
        self._check_version(shown)

    def _check_version(self, shown: Shown) -> None:
        same = self.shown.get(shown.version)
        assert same is None or same.agrees(shown), f"one version, two states: {same} and {shown}"
        if same is None or same.more is None:
            self.shown[shown.version] = shown
        for other in self.shown.values():
            if other.version == shown.version:
                continue
            low, high = sorted((other, shown), key=lambda one: one.version)
            assert self._can_follow(low, high), f"older under a higher version: {low}, {high}"

    def _can_follow(self, low: Shown, high: Shown) -> bool:
        return any(
            all(before[person] <= after[person] for person in before)
            for before in self._explained(low, {})
            for after in self._explained(high, {})
        )

    def _explained(self, shown: Shown, least: Mapping[Person, int]) -> Iterator[Vector]:
        """How far each record would have to be counted for such counts."""
        people = sorted(self.records)
        ranges = [range(least.get(p, 0), len(self.records[p].states)) for p in people]
        for places in product(*ranges):
            vector = dict(zip(people, places, strict=True))
            if self._counted(vector) == (Counter(shown.options), shown.voters, shown.likes):
                yield vector

    def _counted(self, vector: Vector) -> tuple[Counter[str], int, int]:
        options: Counter[str] = Counter()
        voters = likes = 0
        for person, place in vector.items():
            choice = self.records[person].states[place]
            if person[0] == "vote":
                options.update(choice)
                voters += bool(choice)
            else:
                likes += bool(choice)
        return options, voters, likes

    def truth(self) -> tuple[Counter[str], int, int]:
        """What MongoDB holds."""
        return self._counted({p: len(one.states) - 1 for p, one in self.records.items()})

    def text(self) -> Any:
        """What it knows, for the key of a state."""
        records = sorted(self.records.items())
        return [
            [(p, r.states, r.acknowledged, r.under_way, r.final) for p, r in records],
            str(self.shown[max(self.shown)]) if self.shown else "",
            self.closed,
        ]
