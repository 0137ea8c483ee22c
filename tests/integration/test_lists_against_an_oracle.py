"""Lists, held against a plain sort and filter in Python: any polls, any sample of them, any query.

Parts, rare conditions and pages that end early come with a few polls already: the sample is drawn
anew in each example, and the bounds are small.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient

from quickpoll.foundation.stores.mongo import Document, open_client, open_engine
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.polls.models import (
    CLOSED,
    OPEN,
    PUBLIC,
    SAMPLE_RATE,
    UNLISTED,
    Option,
    Poll,
    fold,
    poll_indexes,
)
from quickpoll.results import listing, plans
from quickpoll.results.bodies import PollQuery
from quickpoll.results.listing import Page, PollListing

owners = [ObjectId(f"65f1c0ffee0000000000e00{n}") for n in range(2)]
start = datetime(2026, 1, 1, tzinfo=UTC)
now = datetime.now(UTC).replace(microsecond=0)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A poll of a few moments, likes and texts, so that many are equal in some of them."""
    created = start + timedelta(milliseconds=draw(st.integers(0, 12)))
    question = draw(st.sampled_from(["Tea?", "Coffee?", "TEA or coffee"]))
    closed = draw(st.booleans())
    poll = Poll(
        id=ObjectId(),
        question=question,
        folded=fold(question),
        user_id=draw(st.sampled_from(owners)),
        created_at=created,
        options=[Option(id=ObjectId(), text="yes")],
        visibility=draw(st.sampled_from([PUBLIC, PUBLIC, UNLISTED])),
        status=CLOSED if closed else OPEN,
        closed_at=draw(moments) if closed else None,
        closes_at=draw(st.none() | moments | st.just(now + timedelta(days=1))),
        likes=draw(st.integers(0, 3)),
        context=draw(st.sampled_from([{}, {"a": "1"}, {"a": "1", "b": "2"}, {"b": "2"}])),
    )
    return {**poll.model_dump_doc(), "sampled": draw(st.booleans())}


moments = st.integers(0, 4).map(lambda hours: start + timedelta(hours=hours))

crowds = st.sampled_from([0, 25]).flatmap(
    lambda least: st.lists(documents(), min_size=least, max_size=40)
)
"""Few polls, or so many that a page is full before all are read."""

queries = st.fixed_dictionaries(
    {"limit": st.integers(1, 5).map(str), "sort": st.sampled_from(["newest", "popular"])},
    optional={
        "status": st.sampled_from(["closed", "open"]),
        "visibility": st.just("any"),
        "closedSince": moments.map(datetime.isoformat),
        "q": st.sampled_from(["tea", "COFFEE", "or", "?", "milk"]),
        "context.a": st.sampled_from(["1", "2"]),
        "context.b": st.just("2"),
    },
)


def expected(polls: list[Document], query: dict[str, str], owner: ObjectId | None) -> list[str]:
    """The ids of a list, by the words of the interface."""
    found = [poll for poll in polls if _is_wanted(poll, query, owner)]
    keys = ("likes", "createdAt", "_id") if query["sort"] == "popular" else ("createdAt", "_id")
    ordered = sorted(found, key=lambda poll: [poll[key] for key in keys], reverse=True)
    return [str(poll["_id"]) for poll in ordered]


def _is_wanted(poll: Document, query: dict[str, str], owner: ObjectId | None) -> bool:
    overdue = poll["status"] == "open" and poll["closesAt"] is not None and poll["closesAt"] <= now
    closed_at = poll["closesAt"] if overdue else poll["closedAt"]
    status = "closed" if overdue else poll["status"]
    context = {name[8:]: value for name, value in query.items() if name.startswith("context.")}
    since = query.get("closedSince")
    return (
        (poll["userId"] == owner if owner else _is_visible(poll, query))
        and query.get("status", status) == status
        and query.get("q", "").lower() in poll["question"].lower()
        and all(poll["context"].get(key) == value for key, value in context.items())
        and (
            since is None or (closed_at is not None and closed_at >= datetime.fromisoformat(since))
        )
    )


def _is_visible(poll: Document, query: dict[str, str]) -> bool:
    return "visibility" in query or poll["visibility"] == "public"


async def walk(url: str, name: str, query: dict[str, str], owner: ObjectId | None) -> list[Page]:
    """All pages of a list."""
    client = open_client(url)
    lists = PollListing(open_engine(client, name))
    lists.start()
    found: list[Page] = []
    cursor: str | None = None
    while not found or cursor is not None:
        asked = PollQuery.model_validate({**query, **({"cursor": cursor} if cursor else {})})
        page = await (lists.of_user(str(owner), asked) if owner else lists.public(asked))
        found.append(page)
        cursor = page.cursor
    await lists.aclose()
    client.close()
    return found


@pytest.mark.parametrize(
    "bounds", [(plans.MOST_PASSED, plans.FEW), (3, SAMPLE_RATE)], ids=["as served", "small"]
)
def test_any_list_is_what_a_sort_and_a_filter_make_of_the_polls(
    stores: StoreAddresses, name: str, monkeypatch: pytest.MonkeyPatch, bounds: tuple[int, int]
) -> None:
    """Page by page, nothing twice, nothing left out, and no page is longer than asked for."""
    monkeypatch.setattr(listing, "MOST_PASSED", bounds[0])
    monkeypatch.setattr(plans, "FEW", bounds[1])
    mongo = MongoClient[Document](stores.database_url, tz_aware=True)
    collection = mongo[name]["poll"]
    collection.create_indexes(poll_indexes())

    @settings(
        max_examples=60,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(crowds, queries, st.sampled_from([None, *owners]))
    def check(polls: list[Document], query: dict[str, str], owner: ObjectId | None) -> None:
        collection.delete_many({})
        if polls:
            collection.insert_many(polls)
        pages = asyncio.run(walk(stores.database_url, name, query, owner))
        assert [one for page in pages for one in page.poll_ids] == expected(polls, query, owner)
        lengths = [len(page.poll_ids) for page in pages]
        assert max(lengths) <= int(query["limit"])
        if bounds[0] > len(polls):  # no page has to end early
            assert all(length == int(query["limit"]) for length in lengths[:-1])

    with mongo:
        check()
