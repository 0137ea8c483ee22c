"""Rules about ballots: pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from quickpoll.errors import OptionNotFound, PollClosed, VoteChangeNotAllowed, invalid
from quickpoll.polls.models import Poll
from quickpoll.polls.store import KnownPoll


def ballot_of(known: KnownPoll, option_ids: Iterable[str]) -> tuple[str, ...]:
    """The ballot with these options, in the poll's order.

    Raises :class:`~quickpoll.errors.OptionNotFound` or
    :class:`~quickpoll.errors.InvalidRequest`.
    """
    chosen = set(option_ids)
    if not chosen <= known.option_order.keys():
        raise OptionNotFound
    check_choices(known.poll, len(chosen))
    return tuple(sorted(chosen, key=known.option_order.__getitem__))


def check_choices(poll: Poll, choices: int) -> None:
    """Raises :class:`~quickpoll.errors.InvalidRequest` for too few or too many choices."""
    if choices < poll.min_choices:
        raise invalid("optionIds", f"Choose at least {_options(poll.min_choices)}.")
    if choices > poll.max_choices:
        raise invalid("optionIds", f"Choose at most {_options(poll.max_choices)}.")


def _options(number: int) -> str:
    return f"{number} option" if number == 1 else f"{number} options"


def check_open(poll: Poll, moment: datetime) -> None:
    """Raises :class:`~quickpoll.errors.PollClosed` where no votes are taken at that moment."""
    if not poll.is_open(moment):
        raise PollClosed


def check_retractable(poll: Poll) -> None:
    """Raises :class:`~quickpoll.errors.VoteChangeNotAllowed` unless votes may be taken back."""
    if not poll.allow_vote_change:
        raise VoteChangeNotAllowed
