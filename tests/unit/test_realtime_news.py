"""What is told of polls themselves: each kind once, versions that grow, gaps that are noticed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from odmantic import ObjectId

from quickpoll.polls.models import Option, Poll
from quickpoll.polls.store import KnownPoll
from quickpoll.realtime.news import News
from quickpoll.tallies.bell import Ring
from quickpoll.tallies.tally import Tally


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


def tally(version: int) -> Tally:
    return Tally({}, 0, 0, version, version)


def ring(change: str, version: int, *, public: bool | None = None) -> Ring:
    return Ring("poll-update", "p", version, change, public)


def told(news: News, poll: Poll | None, version: int = 1) -> list[tuple[str, int]]:
    return [(one.name, one.version) for one in news.take("p", poll, tally(version))]


def test_each_kind_is_told_once_in_the_order_of_the_last() -> None:
    news = News()
    for version, change in enumerate(("closed", "reopened", "closed", "updated"), start=1):
        news.hear(ring(change, version))
    assert told(news, a_poll()) == [("reopened", 2), ("closed", 3), ("updated", 4)]
    assert told(news, a_poll()) == []


def test_a_change_that_was_overtaken_gets_a_newer_version() -> None:
    news = News()
    news.hear(ring("closed", 10))
    news.shown("p", 12)
    assert told(news, a_poll(), 12) == [("closed", 13)]


@pytest.mark.parametrize("public", [True, False])
def test_a_deleted_poll_says_whether_it_was_public(public: bool) -> None:
    news = News()
    news.hear(ring("deleted", 3, public=public))
    assert [one.public for one in news.take("p", None, None)] == [public]


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
    news = News()
    news.doubt("p", KnownPoll(a_poll(**{"revision": 1, **before})))
    now_is = None if after is None else a_poll(**{"revision": 1, **after})
    found = news.take("p", now_is, None if after is None else tally(7))
    assert [one.name for one in found] == ([] if change is None else [change])


def test_the_same_state_is_not_sent_again() -> None:
    news = News()
    asked = [("vote-update", 1), ("vote-update", 1), ("like-update", 1), ("vote-update", 2)]
    assert [news.is_new("p", *one) for one in asked] == [True, False, True, True]


def test_with_nobody_to_tell_nothing_is_kept() -> None:
    news = News()
    news.hear(ring("closed", 1))
    news.doubt("p", KnownPoll(a_poll()))
    news.forget("p")
    assert told(news, None) == []


def test_what_was_found_out_is_not_told_again_when_the_message_comes() -> None:
    news = News()
    news.doubt("p", KnownPoll(a_poll(revision=1)))
    assert told(news, a_poll(revision=2), 9) == [("updated", 9)]
    news.hear(ring("updated", 8))
    assert told(news, a_poll(revision=2), 9) == []
    news.hear(ring("updated", 10))
    assert told(news, a_poll(revision=3), 10) == [("updated", 10)]
