"""Until when a poll takes votes, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from quickpoll.errors import PollClosed
from quickpoll.polls.bodies import NewPoll
from quickpoll.polls.rules import make_poll
from quickpoll.votes.rules import check_open

now = datetime(2026, 1, 1, tzinfo=UTC)
deadline = now + timedelta(hours=1)
millisecond = timedelta(milliseconds=1)


def test_the_moment_of_the_deadline_is_late() -> None:
    asked = {"question": "Which?", "options": [{"text": "a"}, {"text": "b"}]}
    poll = make_poll(
        NewPoll.model_validate({**asked, "closesAt": deadline.isoformat()}), "0" * 24, now
    )

    check_open(poll, deadline - millisecond)
    with pytest.raises(PollClosed):
        check_open(poll, deadline)
