"""A field of a poll is defined once, and survives whatever is done with a poll."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from bson import ObjectId
from pydantic.alias_generators import to_camel

from quickpoll.counting.tally import Tally
from quickpoll.management import rules
from quickpoll.management.bodies import PollUpdate
from quickpoll.polls import bodies, models
from quickpoll.polls.bodies import NewPoll, PollBody, PollSettings, fields_of
from quickpoll.polls.models import Poll
from quickpoll.polls.rules import OF_ONE_LIFE, Offers, copy_poll, make_poll
from quickpoll.polls.store import KnownPoll
from quickpoll.results.caller_state import NOTHING_DONE
from quickpoll.results.export import as_json
from quickpoll.results.poll_view import PollView

now = datetime(2030, 1, 1, tzinfo=UTC)
owner, other = "65f1c0ffee0000000000d001", "65f1c0ffee0000000000d002"

given: dict[str, Any] = {
    "minChoices": 2,
    "maxChoices": 3,
    "closesAt": "2031-01-01T00:00:00.000Z",
    "results": "after_close",
    "allowVoteChange": True,
    "visibility": "unlisted",
    "guests": "open",
    "verifiable": True,
    "context": {"room": "blue"},
}
"""A value for each setting that is not what stands there where nothing is said."""

offers = Offers(guests=True, logs=True)
settings = PollSettings.model_fields
texts: dict[str, Any] = {"question": "Which?", "options": [{"text": t} for t in "abc"]}


def made(**fields: Any) -> Poll:
    """A poll as it comes from MongoDB."""
    new = NewPoll.model_validate({**texts, **fields})
    return Poll.model_validate_doc(make_poll(new, owner, now, offers).model_dump_doc())


def shown(poll: Poll) -> dict[str, Any]:
    """Its settings as they are answered."""
    fields = fields_of(poll, now)
    return {name: fields[name] for name in given}


def test_this_test_knows_every_setting() -> None:
    assert set(given) == {to_camel(name) for name in settings}
    plain = shown(made())
    assert all(plain[name] != value for name, value in given.items())
    assert set(settings) <= set(Poll.model_fields)


def test_a_poll_is_answered_with_all_that_is_documented() -> None:
    assert set(fields_of(made(), now)) == {to_camel(name) for name in PollBody.model_fields}


def test_create() -> None:
    assert shown(made(**given)) == given


def test_duplicate() -> None:
    copy = copy_poll(made(**given), other, now + timedelta(days=1))
    assert shown(copy) == given
    kept = set(Poll.model_fields) - OF_ONE_LIFE
    assert set(settings) - {"closes_at"} <= kept


@pytest.mark.parametrize("name", given)
def test_update(name: str) -> None:
    poll = made() if name != "minChoices" else made(maxChoices=3)
    changed = rules.update(poll, PollUpdate.model_validate({name: given[name]}), now, offers)
    document = poll.model_dump_doc() | rules.stored(changed)
    stored = Poll.model_validate_doc(document)
    assert shown(stored)[name] == given[name]
    assert {n: v for n, v in shown(stored).items() if n != name} == {
        n: v for n, v in shown(poll).items() if n != name
    }
    before, after = rules.difference(poll, changed)
    assert (before, after) == ({name: shown(poll)[name]}, {name: given[name]})


def test_export() -> None:
    poll = made(**given)
    tally = Tally(dict.fromkeys(poll.option_ids(), 0), 0, 0, 64, 64, 1)
    view = PollView(KnownPoll(poll), tally, NOTHING_DONE, True, now)
    exported = as_json(view)["poll"]
    assert exported == fields_of(poll, now)


def test_a_poll_of_before_a_field_was_there_has_what_stands_for_it() -> None:
    poll = made()
    document = poll.model_dump_doc()
    for name in ("context", "closedAt", "guests", "verifiable"):
        del document[name]
    assert fields_of(Poll.model_validate_doc(document), now) == fields_of(poll, now)
    assert isinstance(document["_id"], ObjectId)


@pytest.mark.parametrize(
    ("on_the_wire", "kept"),
    [
        (bodies.Status, models.Status),
        (bodies.Results, models.Results),
        (bodies.Visibility, models.Visibility),
        (bodies.Guests, models.Guests),
    ],
)
def test_what_is_said_and_what_is_kept_are_the_same_values(on_the_wire: Any, kept: Any) -> None:
    assert set(get_args(on_the_wire)) == set(kept)
