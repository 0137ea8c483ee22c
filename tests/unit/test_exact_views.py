"""What a view's version and its bytes are made from, and loops and limits that exactness needs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo.errors import AutoReconnect
from structlog.testing import capture_logs

from quickpoll.counting.tally import Tally
from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.concurrency.time_limits import check_limits
from quickpoll.foundation.stores.redis import RedisAway
from quickpoll.polls.models import Option, Poll
from quickpoll.polls.store import KnownPoll
from quickpoll.results.encoding import Encodings
from quickpoll.results.poll_view import PollView, view_without_ballot

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def a_poll(**fields: Any) -> KnownPoll:
    """A poll with two options."""
    made: dict[str, Any] = {
        "question": "Well?",
        "folded": "well?",
        "user_id": ObjectId(),
        "created_at": NOW,
        "options": [Option(text="yes"), Option(text="no")],
        **fields,
    }
    return KnownPoll(Poll(**made))


def counts(known: KnownPoll, **fields: Any) -> Tally:
    """Its counts at revision 1: nothing yet."""
    nothing = dict.fromkeys(known.option_order, 0)
    made = {"options": nothing, "voters": 0, "likes": 0, "version": 6400, "public_version": 3200}
    return Tally(**{**made, "revision": 1, **fields})


def view_of(known: KnownPoll, tally: Tally, now: datetime = NOW) -> PollView:
    """As everybody sees it."""
    return view_without_ballot(known, tally, now, open_to=True)


def test_a_poll_that_is_ahead_of_its_counts_has_a_version_of_its_own() -> None:
    """Written, and not announced yet."""
    known = a_poll()
    versions = [view_of(known, counts(known)).version]
    for revision in (2, 3, 4):
        known.poll.revision = revision
        versions.append(view_of(known, counts(known)).version)
    assert versions == sorted(set(versions))
    assert versions[-1] < versions[0] + 64


def test_the_moment_of_the_deadline_is_a_version_of_its_own() -> None:
    known = a_poll(closes_at=NOW + timedelta(seconds=1))
    before, after = (view_of(known, counts(known), NOW + timedelta(seconds=s)) for s in (0, 1))
    assert (before.status, after.status) == ("open", "closed")
    assert before.version < after.version < before.version + 64


def test_bytes_are_made_once_for_all_who_see_the_same() -> None:
    known, encodings = a_poll(), Encodings()
    first = encodings.of(view_of(known, counts(known)))
    assert encodings.of(view_of(known, counts(known), NOW + timedelta(hours=1))) is first


def test_bytes_are_not_kept_over_a_deadline() -> None:
    known, encodings = a_poll(closes_at=NOW + timedelta(seconds=1)), Encodings()
    shown = [
        encodings.of(view_of(known, counts(known), NOW + timedelta(seconds=seconds)))
        for seconds in (0, 1)
    ]
    assert [b'"status":"closed"' in one for one in shown] == [False, True]


def test_bytes_are_not_kept_over_new_counts_or_another_revision() -> None:
    known, encodings = a_poll(), Encodings()
    tally = counts(known)
    first = encodings.of(view_of(known, tally))
    second = encodings.of(view_of(known, replace(tally, likes=1, version=6464)))
    other = KnownPoll(known.poll.model_copy(update={"question": "Or not?", "revision": 2}))
    third = encodings.of(view_of(other, replace(tally, likes=1, version=6464)))
    assert len({first, second, third}) == 3


async def test_a_loop_outlives_what_goes_wrong_in_it() -> None:
    rounds, third = 0, asyncio.Event()

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            third.set()
        raise RuntimeError("once more")

    loop = Periodic("some", 0.001, work)
    loop.start()
    await asyncio.wait_for(third.wait(), 5)
    await loop.aclose()


async def test_that_a_store_is_away_is_no_news_to_a_loop() -> None:
    failures = [RedisAway("away"), AutoReconnect("away"), Unavailable(), ValueError("wrong")]

    async def work() -> None:
        raise failures.pop(0)

    loop = Periodic("some", 1, work)
    with capture_logs() as lines:
        while failures:
            assert lines == []
            assert not await loop.round()
    assert [one["event"] for one in lines] == ["round_failed"]


def test_time_limits_that_contradict_each_other_are_named() -> None:
    check_limits({"this holds": True})
    with pytest.raises(ValueError, match=r"contradict each other: this does not$"):
        check_limits({"this holds": True, "this does not": False})
