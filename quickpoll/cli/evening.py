"""A session of polls that are seeded."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import ValidationError

from quickpoll.cli.running import BadArguments
from quickpoll.polls.models import NO_GUESTS, Poll
from quickpoll.polls.rules import Offers
from quickpoll.sessions import rules
from quickpoll.sessions.bodies import NewSession
from quickpoll.sessions.models import Session


def make_session(title: str, polls: list[Poll], owner: str) -> Session:
    """The session of that title with these polls, which admits the guests that they admit.

    Raises :class:`~quickpoll.cli.running.BadArguments`.
    """
    guests = {poll.guests for poll in polls} or {NO_GUESTS}
    if len(guests) > 1:
        raise BadArguments("--session: the polls admit different guests.")
    asked = {
        "title": title,
        "pollIds": [str(poll.id) for poll in polls],
        "guests": guests.pop(),
    }
    try:
        new = NewSession.model_validate(asked)
    except ValidationError:
        raise BadArguments(
            "--session: give a title of 1 to 200 characters, and at most 100 polls."
        ) from None
    return rules.make(new, owner, datetime.now(UTC), Offers(guests=True))
