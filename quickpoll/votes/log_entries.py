"""Which entries of a log the writes of ballots bring, and what their voters are promised.

Of polls that are not verifiable: none, and nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.models import Poll
from quickpoll.votes.logged import (
    Line,
    cast_line,
    erase_line,
    fields_of_new,
    lines_of,
    retract_line,
)
from quickpoll.votes.promises import Owed, owed
from quickpoll.votes.store import Ballot, Lines


class Brought(NamedTuple):
    """What is owed for each of several wishes about one ballot, and the entries that are new:
    ``None`` where there are none."""

    owed: list[Owed | None]
    lines: Lines | None = None


def fields_of_cast(poll: Poll, user_id: str, option_ids: Sequence[str], token: str) -> Document:
    """The fields that a new ballot has for the log."""
    if not poll.verifiable:
        return {}
    poll_id = str(poll.id)
    line = cast_line(poll_id, user_id, option_ids)
    return fields_of_new(poll_id, line, token, sealed=poll.seals_log)


def owed_for(poll: Poll, ballot: Ballot, *, is_open: bool = True) -> Owed | None:
    """The promise that goes with a ballot as it stands, or as it was taken back."""
    if not poll.verifiable or ballot.log is None:
        return None
    return owed(poll, ballot.log.line, is_open=is_open)


def brought_by_choices(poll: Poll, standing: Ballot, choices: Sequence[tuple[str, ...]]) -> Brought:
    """Several choices of one ballot that are made at once, each in its turn."""
    if not poll.verifiable:
        return Brought([None] * len(choices))
    before = standing.log.line if standing.log and standing.option_ids else None
    ballot = standing.poll_id, standing.user_id
    lines = lines_of(ballot, before, standing.option_ids, choices)
    new = [line for line in dict.fromkeys(lines) if line != before]
    brought = Lines(new, sealed=poll.seals_log) if new else None
    return Brought([owed(poll, line) for line in lines], brought)


def brought_by_erasure(poll: Poll, standing: Ballot, *, is_open: bool) -> Lines | None:
    """A ballot whose person is erased: it counts no longer, or after the close it is sealed."""
    if not poll.verifiable or standing.log is None or not standing.option_ids:
        return None
    return Lines([erase_line(standing.log.line)], sealed=is_open and poll.seals_log)


def brought_by_retraction(poll: Poll, standing: Ballot, wishes: int) -> Brought:
    """A ballot that is taken back, however many wish it."""
    if not poll.verifiable or standing.log is None:
        return Brought([None] * wishes)
    if not standing.option_ids:
        line: Line = standing.log.line
        return Brought([owed(poll, line)] * wishes)
    line = retract_line(standing.log.line)
    return Brought([owed(poll, line)] * wishes, Lines([line], sealed=poll.seals_log))
