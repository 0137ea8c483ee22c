"""Who may see the results of a poll, and when: the one rule, for every route, event and page."""

from __future__ import annotations

from datetime import datetime

from quickpoll.auth.caller import Caller
from quickpoll.polls.models import AFTER_CLOSE, AFTER_VOTE, ALWAYS, Poll
from quickpoll.polls.rules import manages


def may_see_results(poll: Poll, caller: Caller, *, has_ballot: bool, now: datetime) -> bool:
    """Whether the caller may see counts other than likes.

    Owner and admin always; with ``after_vote`` whoever has a ballot, and everyone after the
    close; with ``after_close`` everyone after the close; with ``owner`` nobody else.
    """
    if everybody_may_see(poll, now) or manages(caller, poll):
        return True
    return poll.results == AFTER_VOTE and has_ballot


def everybody_may_see(poll: Poll, now: datetime) -> bool:
    """Whether no ballot is needed to see the results."""
    if poll.results == ALWAYS:
        return True
    return poll.results in (AFTER_VOTE, AFTER_CLOSE) and not poll.is_open(now)
