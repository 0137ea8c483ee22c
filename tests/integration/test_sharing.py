"""Reads that arrive together share what they ask of the stores, and everybody gets their own."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from bson import ObjectId
from prometheus_client import Histogram

from quickpoll.foundation.observability import metrics
from quickpoll.polls.models import is_sampled
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer

owner = "65f1c0ffee0000000000b001"
listing = "/api/poll/get-all-polls"

MOST_PAGES = 1_000
"""Until the new polls are at rest, on however busy a machine."""


def users(count: int) -> list[str]:
    return [f"65f1c0ffee00000000{number:06x}" for number in range(0xC000, 0xC000 + count)]


def count_of(times: Histogram, *commands: str) -> int:
    """How many have been measured: all, or of these commands."""
    counts = [one for one in next(iter(times.collect())).samples if one.name.endswith("_count")]
    return int(
        sum(one.value for one in counts if not commands or one.labels["command"] in commands)
    )


def asked() -> tuple[int, int]:
    """How many queries and how many round trips to Redis there have been in this process.

    Of two metrics, not out of the whole registry: that takes longer the more tests have been, and
    meanwhile the loops of the service become due, each time.
    """
    return count_of(metrics.mongodb_times, "find", "aggregate"), count_of(metrics.redis_times)


@pytest.fixture
async def polls(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Twelve polls that are one part of a list: at a sampled one (every 64th) lists are cut in two,
    and each part is asked for by itself."""
    made: list[dict[str, Any]] = []
    while len(made) < 12:
        poll = await create_poll(client, owner)
        if is_sampled(ObjectId(poll["id"])):
            await client.delete(f"/api/poll/delete-poll/{poll['id']}", headers=bearer(owner))
        else:
            made.append(poll)
    await client.get(listing, headers=bearer(owner))  # from now on the polls are in memory
    return made


async def cost_of_a_page(client: httpx.AsyncClient, polls: int) -> tuple[int, int]:
    """Queries and round trips while a page of so many polls is read."""
    before = asked()
    page = await client.get(listing, params={"limit": polls}, headers=bearer(owner))
    assert len(page.json()) == polls
    queries, calls = (now - then for now, then in zip(asked(), before, strict=True))
    return queries, calls


async def test_a_page_asks_for_everything_at_once(
    client: httpx.AsyncClient, polls: list[dict[str, Any]]
) -> None:
    """The list, then counts, ballots and likes together: the same for one poll as for twelve.

    The loops of the service ask, too, so the least of many pages is what one costs.
    """
    costs: dict[int, list[tuple[int, int]]] = {1: [], 12: []}
    least: dict[int, tuple[int, ...]] = {}
    for _ in range(MOST_PAGES):
        await asyncio.sleep(0.005)  # not in step with them
        for size, seen in costs.items():
            seen.append(await cost_of_a_page(client, size))
            least[size] = tuple(map(min, zip(*seen, strict=True)))
        if set(least.values()) == {(3, 1)}:
            break

    assert least == {1: (3, 1), 12: (3, 1)}, costs


async def test_everybody_gets_their_own_of_what_is_read_together(
    client: httpx.AsyncClient, polls: list[dict[str, Any]]
) -> None:
    crowd = users(20)
    for place, user in enumerate(crowd[:10]):
        assert (await vote(client, polls[place], place % 3, user)).status_code == 201
        await client.put(f"/api/poll/like-poll/{polls[0]['id']}", headers=bearer(user))
    pages = await asyncio.gather(
        *[client.get(listing, params={"limit": 12}, headers=bearer(user)) for user in crowd]
    )

    for place, (user, page) in enumerate(zip(crowd, pages, strict=True)):
        seen = {one["id"]: one for one in page.json()}
        voted = {i: one["userHasVoted"] for i, one in seen.items() if one["userHasVoted"]}
        own = {polls[place]["id"]: option(polls[place], place % 3)} if place < 10 else {}
        assert voted == own, user
        assert [i for i, one in seen.items() if one["userHasLiked"]] == (
            [polls[0]["id"]] if place < 10 else []
        )
        assert seen[polls[0]["id"]]["counts"]["likes"] == 10


async def test_lists_that_differ_are_not_mixed_up(
    client: httpx.AsyncClient, polls: list[dict[str, Any]]
) -> None:
    asks: list[dict[str, Any]] = [
        {"limit": 3},
        {"limit": 4},
        {"limit": 3, "sort": "popular"},
        {"limit": 3, "q": "no such question"},
        {"limit": 3, "cursor": "nonsense"},
        {"limit": 3},
    ]
    pages = await asyncio.gather(
        *[client.get(listing, params=params, headers=bearer(owner)) for params in asks]
    )

    assert [page.status_code for page in pages] == [200, 200, 200, 200, 422, 200]
    assert [len(page.json()) for page in pages[:4]] == [3, 4, 3, 0]
    assert pages[5].content == pages[0].content


async def test_what_is_remembered_of_a_poll_follows_every_change(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, results="after_close", allowVoteChange=True)
    path, (voter, stranger, *_) = f"/api/poll/get-poll-by-id/{poll['id']}", users(2)

    async def seen(user: str) -> dict[str, Any]:
        views = [await look(client, poll, user) for _ in range(2)]
        assert views[0] == views[1]
        view: dict[str, Any] = views[0]
        return view

    assert (await seen(stranger))["counts"] == {"likes": 0}
    assert (await seen(owner))["votersCount"] == 0
    await vote(client, poll, 1, voter)
    assert (await seen(owner))["votersCount"] == 1
    assert (await seen(stranger))["resultsHidden"]
    assert (await seen(voter))["userHasVoted"] == option(poll, 1)
    await client.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer(voter))
    assert (await seen(stranger))["counts"] == {"likes": 1}
    await client.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    closed = await seen(stranger)
    assert (closed["status"], closed["counts"][option(poll, 1)]) == ("closed", 1)
    await client.delete(f"/api/poll/delete-poll/{poll['id']}", headers=bearer(owner))
    assert (await client.get(path, headers=bearer(stranger))).status_code == 404
