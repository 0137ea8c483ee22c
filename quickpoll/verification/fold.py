"""What a log says, entry by entry: who holds a ballot, and whether each step was allowed.

A log that follows the rules has one meaning. Whatever is not allowed here is a cheat (or a
fault, which is no better): the service writes no such entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from quickpoll.verification.broken import require
from quickpoll.verification.entries import Entry


@dataclass
class Fold:
    """The state of a poll's log after some of its entries."""

    poll_id: str
    poll: Entry | None = None
    closed: Entry | None = None
    """The close that stands; ``None`` while the poll is open."""
    ballots: dict[str, str] = field(default_factory=dict)
    """Ballots that count: tag → last commit."""
    seen: set[str] = field(default_factory=set)
    sealed: set[str] = field(default_factory=set)
    """Ballots that count although their person was erased: never opened."""
    fixed_options: tuple[str, ...] | None = None
    """The options of the last close since the definition was last written."""

    def apply(self, entry: Entry) -> None:
        """Go on by one entry. Raises ``Wrong``; what is not allowed changes nothing, but a close
        closes whatever it says."""
        if entry.kind != "poll":
            require(self.poll is not None, "no_definition", "the first entry is not the poll")
        if self.closed:
            allowed = entry.kind in ("erase", "reopen")
            require(allowed, "after_close", f"{entry.kind} while the poll is closed")
        _STEPS[entry.kind](self, entry)

    def choices(self) -> tuple[int, int]:
        """How many options a ballot has, at least and at most."""
        return (self.poll.least, self.poll.most) if self.poll else (0, 0)

    def _poll(self, entry: Entry) -> None:
        require(entry.poll_id == self.poll_id, "foreign_poll", f"it is of poll {entry.poll_id}")
        require(not self.seen, "definition_changed", "the poll was edited after the first ballot")
        sound = 1 <= entry.least <= entry.most
        require(sound, "bad_choices", f"{entry.least} to {entry.most} choices")
        self.poll, self.fixed_options = entry, None

    def _cast(self, entry: Entry) -> None:
        require(entry.tag not in self.seen, "cast_twice", "a ballot of this tag was there before")
        self.seen.add(entry.tag)
        self.ballots[entry.tag] = entry.commit

    def _change(self, entry: Entry) -> None:
        self._may_change(entry)
        self.ballots[entry.tag] = entry.commit

    def _retract(self, entry: Entry) -> None:
        self._may_change(entry)
        del self.ballots[entry.tag]

    def _may_change(self, entry: Entry) -> None:
        free = self.poll is not None and self.poll.free
        require(free, "not_free", f"{entry.kind} in a poll whose votes stand")
        self._must_hold(entry)

    def _must_hold(self, entry: Entry) -> None:
        require(entry.tag in self.ballots, "no_ballot", f"{entry.kind} without a ballot")
        require(entry.tag not in self.sealed, "is_sealed", f"{entry.kind} of a sealed ballot")

    def _erase(self, entry: Entry) -> None:
        self._must_hold(entry)
        if self.closed:
            self.sealed.add(entry.tag)
        else:
            del self.ballots[entry.tag]

    def _close(self, entry: Entry) -> None:
        before, options = self.fixed_options, tuple(option_id for option_id, _ in entry.tally)
        self.closed, self.fixed_options = entry, options  # a wrong close is a close all the same
        same = not self.seen or before in (None, options)
        require(same, "close_options", "other options than at the close before")
        held = len(self.ballots)
        said = f"{entry.ballots} ballots, {held} in the log"
        require(entry.ballots == held, "close_ballots", said)
        self._tally_is_possible(entry)

    def _tally_is_possible(self, entry: Entry) -> None:
        most = max((votes for _, votes in entry.tally), default=0)
        require(most <= entry.ballots, "close_tally", f"{most} votes from {entry.ballots} ballots")
        votes = sum(votes for _, votes in entry.tally)
        least, most = (entry.ballots * choices for choices in self.choices())
        possible = least <= votes <= most
        require(possible, "close_tally", f"{votes} votes where {least} to {most} are possible")

    def _reopen(self, _: Entry) -> None:
        require(self.closed is not None, "reopen_open", "reopened while it was open")
        self.closed = None


_STEPS: dict[str, Callable[[Fold, Entry], None]] = {
    "poll": Fold._poll,
    "cast": Fold._cast,
    "change": Fold._change,
    "retract": Fold._retract,
    "erase": Fold._erase,
    "close": Fold._close,
    "reopen": Fold._reopen,
}
