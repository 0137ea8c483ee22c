"""What a service does not offer, no poll of it has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from quickpoll.errors import InvalidRequest, Locked
from quickpoll.management import rules
from quickpoll.management.bodies import PollUpdate
from quickpoll.polls.bodies import NewPoll
from quickpoll.polls.models import Poll
from quickpoll.polls.rules import Offers, make_poll

now, owner = datetime(2030, 1, 1, tzinfo=UTC), "65f1c0ffee0000000000d001"
nothing, everything = Offers(), Offers(guests=True, logs=True)


def made(offers: Offers, **fields: Any) -> Poll:
    body = {"question": "Which?", "options": [{"text": "a"}, {"text": "b"}], **fields}
    return make_poll(NewPoll.model_validate(body), owner, now, offers)


def changed(poll: Poll, offers: Offers, **fields: Any) -> dict[str, Any]:
    return rules.update(poll, PollUpdate.model_validate(fields), now, offers)


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        ({"guests": "open"}, "guests"),
        ({"guests": "invited"}, "guests"),
        ({"verifiable": True}, "verifiable"),
    ],
)
def test_what_is_not_offered_is_refused(fields: dict[str, Any], blamed: str) -> None:
    for refused in (
        lambda: made(nothing, **fields),
        lambda: changed(made(nothing), nothing, **fields),
    ):
        with pytest.raises(InvalidRequest) as error:
            refused()
        assert error.value.extra["errors"][0]["field"] == blamed
    assert made(everything, **fields).question
    assert changed(made(everything), everything, **fields)


def test_a_result_that_nobody_may_see_is_not_verifiable() -> None:
    secret, public = made(everything, results="owner"), made(everything, verifiable=True)
    for refused in (
        lambda: made(everything, results="owner", verifiable=True),
        lambda: changed(secret, everything, verifiable=True),
        lambda: changed(public, everything, results="owner"),
    ):
        with pytest.raises(InvalidRequest) as error:
            refused()
        assert error.value.extra["errors"][0]["field"] == "results"
    assert changed(public, everything, results="owner", verifiable=False)


def test_a_poll_of_a_time_when_it_was_offered_can_be_changed() -> None:
    poll = made(everything, guests="open")
    assert changed(poll, nothing, question="Which one?")
    assert changed(poll, nothing, guests="off") == {"guests": "off"}


@pytest.mark.parametrize("fields", [{"guests": "open"}, {"verifiable": True}])
def test_voters_rely_on_them(fields: dict[str, Any]) -> None:
    poll = made(everything)
    poll.voted_on = True
    with pytest.raises(Locked):
        changed(poll, everything, **fields)
    assert rules.needs_no_votes(poll, fields, now)
