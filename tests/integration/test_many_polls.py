"""Lists where 100,000 polls are stored on the embedded database: right, and how long they take.

``make test ARGS='-m slow -s -k many_polls'`` prints the times; the limit of the service's own
(an operation of MongoDB that takes longer is a 503) holds for each page.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from bson import ObjectId
from pymongo import MongoClient

from quickpoll.foundation.stores.mongo import Document, open_client, open_engine
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.polls.models import CLOSED, OPEN, PUBLIC, UNLISTED, Option, Poll, fold, poll_indexes
from quickpoll.results.bodies import PollQuery
from quickpoll.results.listing import PollListing

owner = ObjectId("65f1c0ffee0000000000e0f0")
stored = 100_000
now = datetime.now(UTC).replace(microsecond=0)

queries: list[dict[str, str]] = [
    {"sort": sort, **more}
    for sort in ("newest", "popular")
    for more in (
        {},
        {"status": "open"},
        {"status": "closed"},
        {"q": "would"},
        {"q": "poll 77777"},
        {"closedSince": (now - timedelta(days=3)).isoformat()},
        {"closedSince": "2020-01-01T00:00:00Z"},
        {"context.product": "app"},
        {"context.event": "e500"},
        {"visibility": "any"},
    )
]


def documents() -> Iterator[Document]:
    """Half of them in one burst a month ago and most of those closed, the others 20 s apart."""
    random = Random(1)
    for n in range(stored):
        burst = n < stored // 2
        since_burst = timedelta(days=30) - timedelta(milliseconds=3 * n)
        created = now - (since_burst if burst else timedelta(seconds=20 * (stored - n)))
        closed = (burst and n % 5 > 0) or n == stored - 100
        question = f"Which would you take in poll {n}?"
        poll = Poll(
            id=ObjectId(),
            question=question,
            folded=fold(question),
            user_id=owner if n % 2 else ObjectId(),
            created_at=created,
            options=[Option(id=ObjectId(), text=f"option {k}") for k in range(4)],
            visibility=UNLISTED if n % 50 == 3 else PUBLIC,
            status=CLOSED if closed else OPEN,
            closed_at=created + timedelta(hours=1) if closed else None,
            likes=random.choice([0, 0, 0, 1, 2, 5, 10]) + (n if n % 1000 == 0 else 0),
            context={"product": "app", "event": f"e{n // 10}"} if n % 4 == 1 else {},
        )
        yield poll.model_dump_doc()


def expected(polls: list[Document], query: dict[str, str], user: str | None) -> list[str]:
    """The first of the ids, without a database."""
    keys = ("likes", "createdAt", "_id") if query["sort"] == "popular" else ("createdAt", "_id")
    since = datetime.fromisoformat(query.get("closedSince", "1970-01-01T00:00:00+00:00"))
    context = {name[8:]: value for name, value in query.items() if name.startswith("context.")}
    found = [
        poll
        for poll in polls
        if (
            poll["userId"] == owner
            if user
            else "visibility" in query or poll["visibility"] == "public"
        )
        and query.get("status", poll["status"]) == poll["status"]
        and query.get("q", "") in poll["folded"]
        and all(poll["context"].get(key) == value for key, value in context.items())
        and ("closedSince" not in query or (poll["closedAt"] and poll["closedAt"] >= since))
    ]
    ordered = sorted(found, key=lambda poll: [poll[key] for key in keys], reverse=True)
    return [str(poll["_id"]) for poll in ordered]


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_lists_of_a_hundred_thousand_polls(stores: StoreAddresses, name: str) -> None:
    polls = list(documents())
    with MongoClient[Document](stores.database_url) as mongo:
        mongo[name]["poll"].create_indexes(poll_indexes())
        for start in range(0, stored, 250):
            mongo[name]["poll"].insert_many(polls[start : start + 250], ordered=False)
    client = open_client(stores.database_url)
    lists = PollListing(open_engine(client, name))
    lists.start()
    for user in (None, str(owner)):
        for query in queries:
            await _walk(lists, polls, query, user)
    await lists.aclose()
    client.close()


async def _walk(
    lists: PollListing, polls: list[Document], query: dict[str, str], user: str | None
) -> None:
    """Up to four pages, timed, against the polls themselves."""
    found, cursor, times = list[str](), None, list[str]()
    for _ in range(4):
        asked = PollQuery.model_validate({**query, **({"cursor": cursor} if cursor else {})})
        begun = time.perf_counter()
        page = await (lists.of_user(user, asked) if user else lists.public(asked))
        times.append(f"{(time.perf_counter() - begun) * 1000:.0f}")
        found += page.poll_ids
        cursor = page.cursor
        if cursor is None:
            break
    whose = "one user" if user else "all"
    sys.stdout.write(f"{whose:9}{query!s:75}{' '.join(times)} ms\n")
    all_of_them = expected(polls, query, user)
    assert found == all_of_them[: len(found)]
    assert cursor is not None or len(found) == len(all_of_them)
