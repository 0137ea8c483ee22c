"""What is told of polls themselves: each kind once, versions that grow, gaps that are noticed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from odmantic import ObjectId

from quickpoll.counting.events import EventKind, PollEvent
from quickpoll.counting.versions import STEP
from quickpoll.polls.models import Option, Poll
from quickpoll.polls.store import KnownPoll
from quickpoll.realtime.pending_changes import PendingChanges


def a_poll(**fields: Any) -> Poll:
    options = [Option(id=ObjectId(), text=text) for text in ("yes", "no")]
    made: dict[str, Any] = {
        "question": "Well?",
        "folded": "well?",
        "user_id": ObjectId(),
        "created_at": datetime.now(UTC),
        "options": options,
        **fields,
    }
    return Poll(**made)


def event(change: str, version: int, *, public: bool | None = None) -> PollEvent:
    return PollEvent(EventKind.POLL, "p", version, change, public)


def told(pending: PendingChanges, poll: Poll | None, version: int = 1) -> list[tuple[str, int]]:
    return [(one.name, one.version) for one in pending.take("p", poll, version)]


def test_each_kind_is_told_once_in_the_order_of_the_last() -> None:
    pending = PendingChanges()
    for version, change in enumerate(("closed", "reopened", "closed", "updated"), start=1):
        pending.add(event(change, version))
    closed = a_poll(status="closed")
    assert told(pending, closed) == [("reopened", 2), ("closed", 3), ("updated", 4)]
    assert told(pending, closed) == []


def test_a_change_that_was_overtaken_gets_a_newer_version() -> None:
    pending = PendingChanges()
    pending.add(event("closed", 10))
    pending.shown("p", 12)
    assert told(pending, a_poll(status="closed"), 12) == [("closed", 13)]


@pytest.mark.parametrize("public", [True, False])
def test_a_deleted_poll_says_whether_it_was_public(public: bool) -> None:
    pending = PendingChanges()
    pending.add(event("deleted", 3, public=public))
    assert [one.public for one in pending.take("p", None, 0)] == [public]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({}, {"status": "closed", "revision": 2}, "closed"),
        ({"status": "closed"}, {"revision": 2}, "reopened"),
        ({}, {"revision": 2}, "updated"),
        ({}, None, "deleted"),
        ({}, {}, None),
    ],
)
def test_a_gap_is_told_as_what_lies_between(
    before: dict[str, Any], after: dict[str, Any] | None, change: str | None
) -> None:
    pending = PendingChanges()
    pending.show("p", KnownPoll(a_poll(**{"revision": 1, **before})))
    now_is = None if after is None else a_poll(**{"revision": 1, **after})
    found = pending.take("p", now_is, 7)
    assert [one.name for one in found] == ([] if change is None else [change])


@pytest.mark.parametrize("rest", [[], ["closed"]], ids=["the rest is lost", "the rest comes"])
@pytest.mark.parametrize("heard", [["closed", "reopened"], ["reopened"]])
def test_a_poll_that_is_closed_again_is_closed_on_every_screen(
    heard: list[str], rest: list[str]
) -> None:
    """It is read as it is after its second close, and what is heard of it is older."""
    pending = PendingChanges()
    first, second = a_poll(revision=2, status="closed"), a_poll(revision=4, status="closed")
    pending.show("p", KnownPoll(a_poll(revision=1)))
    if "closed" not in heard:
        pending.add(event("closed", STEP))
        assert told(pending, first, 2 * STEP) == [("closed", STEP)]
    for place, change in enumerate(heard, start=3):
        pending.add(event(change, place * STEP))
    assert [name for name, _ in told(pending, second, 10 * STEP)] == ["reopened", "closed"]
    for change in rest:
        pending.add(event(change, 9 * STEP + 1))
    assert told(pending, second, 11 * STEP) == []


def test_a_reopening_that_comes_after_the_close_behind_it_leaves_the_poll_closed() -> None:
    """The close that is heard first is taken for the second one, as which it is read."""
    pending, twice_closed = PendingChanges(), a_poll(revision=4, status="closed")
    pending.show("p", KnownPoll(a_poll(revision=1)))
    pending.add(event("closed", STEP))
    assert [name for name, _ in told(pending, twice_closed, 10 * STEP)] == ["closed"]
    pending.add(event("reopened", 2 * STEP))
    assert [name for name, _ in told(pending, twice_closed, 11 * STEP)] == ["reopened", "closed"]
    pending.add(event("closed", 3 * STEP))
    assert told(pending, twice_closed, 12 * STEP) == []


def test_a_reopening_that_nobody_was_heard_to_say_follows_the_close() -> None:
    pending = PendingChanges()
    pending.show("p", KnownPoll(a_poll(revision=1)))
    pending.add(event("closed", STEP))
    assert [name for name, _ in told(pending, a_poll(revision=3), 10 * STEP)] == [
        "closed",
        "reopened",
    ]


def test_a_close_by_the_deadline_that_nobody_was_heard_to_say_is_told() -> None:
    """Its moment has passed for the poll as it was shown, too."""
    over, pending = datetime.now(UTC) - timedelta(seconds=1), PendingChanges()
    pending.show("p", KnownPoll(a_poll(revision=1, closes_at=over)))
    now_is = a_poll(revision=2, closes_at=over, status="closed")
    assert [name for name, _ in told(pending, now_is, 10 * STEP)] == ["closed"]


def test_the_same_state_is_not_sent_again() -> None:
    pending = PendingChanges()
    asked = [("vote-update", 1), ("vote-update", 1), ("like-update", 1), ("vote-update", 2)]
    assert [pending.is_new("p", *one) for one in asked] == [True, False, True, True]


def test_with_nobody_to_tell_nothing_is_kept() -> None:
    pending = PendingChanges()
    pending.add(event("closed", 1))
    pending.show("p", KnownPoll(a_poll()))
    pending.forget("p")
    assert told(pending, None) == []


def test_what_was_found_out_is_not_told_again_when_the_message_comes() -> None:
    pending = PendingChanges()
    pending.show("p", KnownPoll(a_poll(revision=1)))
    counts = 10 * STEP
    assert told(pending, a_poll(revision=2), counts) == [("updated", 9 * STEP)]
    pending.add(event("updated", 9 * STEP))
    assert told(pending, a_poll(revision=2), counts) == []
    pending.add(event("updated", 11 * STEP))
    assert told(pending, a_poll(revision=3), 12 * STEP) == [("updated", 11 * STEP)]


def test_what_a_change_reveals_is_newer_than_the_word_of_it() -> None:
    pending = PendingChanges()
    pending.shown("p", 9 * STEP)
    pending.show("p", KnownPoll(a_poll(revision=1)))
    [(_, version)] = told(pending, a_poll(revision=2), 10 * STEP)
    assert 9 * STEP < version < 10 * STEP


def test_the_same_change_is_told_once() -> None:
    pending = PendingChanges()
    for version in (STEP, 2 * STEP):
        pending.add(event("closed", version))
        found = told(pending, a_poll(revision=2, status="closed"))
        assert [name for name, _ in found] == (["closed"] if version == STEP else [])
    pending.add(event("closed", 3 * STEP))
    assert len(told(pending, a_poll(revision=4, status="closed"))) == 1
