"""What goes into a log next: pure, no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from quickpoll.polls.models import Poll
from quickpoll.transparency.state import Step, Told
from quickpoll.transparency.waiting import WaitingBallot
from quickpoll.verification import entries

MOST_LINES = 20_000
"""Entries of one step: they have to fit into one document."""

REOPEN = entries.REOPEN_ENTRY.decode()


def fingerprint(poll: Poll) -> str:
    """The same for polls with the same definition."""
    return _definition(poll, "")


def owner_step(poll: Poll, told: Told, nonce: str) -> Step | None:
    """The entries of what the owner did, up to where ballots come; ``None``: there are none."""
    lines: list[str] = []
    phase = told.phase
    defined = fingerprint(poll)
    if told.defined != defined and not told.voted:
        if told.closed:
            lines.append(REOPEN)
            phase += 1
        lines.append(poll_line(poll, nonce))
    elif told.closed and poll.log_phase > told.phase:
        lines.append(REOPEN)
        phase += 1
    else:
        return None
    return Step(lines, replace(told, phase=phase, defined=defined))


def closes(poll: Poll, told: Told) -> bool:
    """Whether a close has to be logged."""
    return not told.closed and poll.log_phase % 2 == 1 and poll.log_phase > told.phase


def is_level(poll: Poll, told: Told) -> bool:
    """Whether the log says of the owner's changes what the poll does."""
    return told.phase >= poll.log_phase and (told.voted or told.defined == fingerprint(poll))


def ballots_step(
    ballots: Sequence[WaitingBallot],
    told: Told,
    shuffle: Callable[[list[int]], None],
    *,
    sealed_too: bool = False,
) -> Step | None:
    """The entries of ballots, shuffled, each ballot's own in their order; ``None``: there are none.

    In a closed log only erasures may stand.
    """
    groups = _no_more_than(
        MOST_LINES, [_allowed(one.lines(sealed_too=sealed_too), told) for one in ballots]
    )
    lines = interleaved(groups, shuffle)
    if not lines:
        return None
    taken = [(one, group) for one, group in zip(ballots, groups, strict=True) if group]
    whole = [(one.key, one.mark) for one, group in taken if len(group) == len(one.waiting)]
    parts = [one.key for one, group in taken if len(group) < len(one.waiting)]
    return Step(lines, told.after(lines), whole=whole, parts=parts)


def _no_more_than(most: int, groups: list[list[str]]) -> list[list[str]]:
    """The first so many lines of all groups; of the rest, none."""
    if sum(map(len, groups)) <= most:
        return groups
    found = []
    for group in groups:
        found.append(group[:most])
        most -= len(found[-1])
    return found


def _allowed(lines: list[str], told: Told) -> list[str]:
    return [line for line in lines if line.startswith("erase ")] if told.closed else lines


def interleaved(groups: Sequence[Sequence[str]], shuffle: Callable[[list[int]], None]) -> list[str]:
    """All lines of all groups in an order that tells nothing, those of one group in theirs: the
    *places* are shuffled among the groups, then filled."""
    places = [number for number, group in enumerate(groups) for _ in group]
    shuffle(places)
    left = [iter(group) for group in groups]
    return [next(left[number]) for number in places]


def closed_by(
    step: Step | None, poll: Poll, told: Told, alike: Mapping[tuple[str, ...], int]
) -> Step:
    """The step that closes the log: the ballots of ``step``, then the counts. ``alike`` has how
    many ballots name which options."""
    counts: Counter[str] = Counter()
    for option_ids, ballots in alike.items():
        counts.update(dict.fromkeys(option_ids, ballots))
    tally = {option_id: counts[option_id] for option_id in poll.option_ids()}
    number = sum(alike.values())
    last = step or Step([], told)
    close = entries.close_entry(number, tally).decode()
    closed = replace(last.told, phase=poll.log_phase, counted=number)
    return replace(last, lines=[*last.lines, close], told=closed, publish=True)


def poll_line(poll: Poll, nonce: str) -> str:
    """The entry of the poll's definition."""
    choices = poll.min_choices, poll.max_choices
    found = _definition(poll, nonce)
    line = entries.poll_entry(str(poll.id), choices, nonce, found, free=poll.allow_vote_change)
    return line.decode()


def _definition(poll: Poll, nonce: str) -> str:
    return entries.definition(
        str(poll.id),
        nonce,
        poll.question,
        (poll.min_choices, poll.max_choices),
        free=poll.allow_vote_change,
        guests=poll.guests,
        options=[(str(option.id), option.text) for option in poll.options],
    )
