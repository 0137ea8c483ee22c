"""What is told of a poll to whoever has its address, programs of other services among them."""

from __future__ import annotations

from datetime import datetime

from quickpoll.polls.models import OPEN_TO_GUESTS, PUBLIC, Poll
from quickpoll.results.rules import everybody_may_see


def admits_everybody(poll: Poll) -> bool:
    """Whether anybody may vote, without an account."""
    return poll.guests == OPEN_TO_GUESTS


def may_be_told(poll: Poll) -> bool:
    """Whether anybody may see the poll, and find it."""
    return poll.visibility == PUBLIC and admits_everybody(poll)


def may_be_drawn(poll: Poll, now: datetime) -> bool:
    """Whether a picture of the poll may show its bars."""
    return may_be_told(poll) and everybody_may_see(poll, now)
