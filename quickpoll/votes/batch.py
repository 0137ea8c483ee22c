"""One batch of ballots on its way: what is wished, and what becomes of each wish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from prometheus_client import Counter

from quickpoll.counting.counted_path import Written
from quickpoll.errors import QuickPollError, Unavailable
from quickpoll.foundation.concurrency.batching import Entry
from quickpoll.polls.store import KnownPoll
from quickpoll.verification.promise import Promise
from quickpoll.votes.promises import Owed
from quickpoll.votes.store import Ballot

acknowledged = Counter(
    "quickpoll_votes_acknowledged_total", "Ballots that MongoDB has acknowledged"
)


class Outcome(Enum):
    """What a request did to the ballot."""

    CREATED = "created"
    CHANGED = "changed"
    SAME = "same"
    RETRACTED = "retracted"


class Wish(NamedTuple):
    """What a caller wants of their ballot on a poll: these options, or (empty) no ballot.

    ``moment`` is when the request was judged, to the millisecond; ``revision`` the poll's then.
    ``held_since``: since when it waits for recounts (:func:`~quickpoll.counting.holding.may_pass`).
    ``guests``: what the poll said of guests when it let this one in; ``None`` for an account.
    """

    user_id: str
    poll_id: str
    option_ids: tuple[str, ...]
    moment: datetime
    revision: int
    held_since: float | None = None
    guests: str | None = None


class Result(NamedTuple):
    """The ballot as it now stands (before, where it was retracted), and what was done; on a
    verifiable poll, with the promise of its entry."""

    outcome: Outcome
    ballot: Ballot | None
    promise: Promise | None = None


WishEntry = Entry[Wish, Result]


@dataclass(slots=True)
class Batch:
    """One batch on its way: what was learned of its polls, and what becomes of each wish."""

    written: Written
    polls: dict[str, KnownPoll] = field(default_factory=dict)
    settled: list[tuple[WishEntry, Result | QuickPollError]] = field(default_factory=list)
    again: list[WishEntry] = field(default_factory=list)
    owed: dict[int, Owed] = field(default_factory=dict)
    """Entries to be promised, by their place among those that are settled."""

    def settle(
        self,
        entry: WishEntry,
        outcome: Outcome,
        ballot: Ballot | None,
        owed: Owed | None = None,
    ) -> None:
        """What became of an entry; its caller hears it once everything is counted."""
        if owed is not None:
            self.owed[len(self.settled)] = owed
        self.settled.append((entry, Result(outcome, ballot)))

    def refuse(self, entry: WishEntry, error: QuickPollError) -> None:
        """An entry that was not written, and why."""
        self.settled.append((entry, error))

    def doubt(self, entries: Iterable[WishEntry]) -> None:
        """Entries that may or may not stand: their callers try again, their writes are fenced."""
        for entry in entries:
            self.written.unsure.add(entry.item.poll_id)
            self.refuse(entry, Unavailable())

    def promise(self, make: Callable[[Sequence[Owed]], list[Promise]]) -> None:
        """Add the promises that are owed, now that all of it is written."""
        if not self.owed:
            return
        for place, promise in zip(self.owed, make(list(self.owed.values())), strict=True):
            entry, result = self.settled[place]
            assert isinstance(result, Result)  # noqa: S101 - only those are owed anything
            self.settled[place] = entry, result._replace(promise=promise)

    def hand_out(self) -> None:
        """Tell each submitter what became of its wish."""
        written = 0
        for entry, result in self.settled:
            if isinstance(result, QuickPollError):
                entry.reject(result)
            else:
                written += result.outcome in (Outcome.CREATED, Outcome.CHANGED)
                entry.resolve(result)
        acknowledged.inc(written)
