"""Lists of polls: order, whom they are for, and pages that stay put."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from quickpoll.composition import Services
from tests.builders import create_poll, vote
from tests.conftest import bearer
from tests.integration.lists_harness import (
    admin,
    all_pages,
    create_many,
    everything,
    other,
    own,
    owner,
    pages,
    questions,
)


async def test_an_empty_list(client: httpx.AsyncClient) -> None:
    answer = await client.get(everything, headers=bearer(owner))
    assert (answer.status_code, answer.json()) == (200, [])
    assert "Link" not in answer.headers


async def test_polls_look_the_same_in_a_list(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    await vote(client, poll, 0, other)

    for path in (everything, own):
        alone = await client.get(f"/api/poll/get-poll-by-id/{poll['id']}", headers=bearer(owner))
        listed = await client.get(path, headers=bearer(owner))
        assert listed.json() == [alone.json()]


async def test_newest_first_in_pages(client: httpx.AsyncClient) -> None:
    await create_many(client, 7)

    for path in (everything, own):
        found = await pages(client, f"{path}?limit=3")
        assert found == [["Q6", "Q5", "Q4"], ["Q3", "Q2", "Q1"], ["Q0"]]
        assert await pages(client, f"{path}?limit=7") == [[f"Q{n}" for n in range(6, -1, -1)]]


async def test_the_default_page_has_50_and_the_largest_100(
    client: httpx.AsyncClient, services: Services
) -> None:
    polls = await asyncio.gather(*[create_poll(client, owner, question=f"{n}") for n in range(101)])
    assert len(polls) == 101

    for path in (everything, own):
        assert [len(page) for page in await pages(client, path)] == [50, 50, 1]
        assert [len(page) for page in await pages(client, f"{path}?limit=100")] == [100, 1]


async def test_the_link_leads_to_the_next_page_of_the_same_list(client: httpx.AsyncClient) -> None:
    await create_many(client, 3)

    headers = {**bearer(owner), "Host": "polls.example:8443"}
    answer = await client.get(f"{everything}?limit=1&q=Q&status=open", headers=headers)

    url = httpx.URL(answer.links["next"]["url"])
    assert (url.host, url.port, url.path) == ("polls.example", 8443, everything)
    assert dict(url.params) == {
        "limit": "1",
        "q": "Q",
        "status": "open",
        "cursor": url.params["cursor"],
    }
    assert answer.headers["Link"].endswith('>; rel="next"')


async def test_a_host_that_is_none_is_not_in_the_link(client: httpx.AsyncClient) -> None:
    await create_many(client, 2)
    for path in (everything, own):
        headers = {**bearer(owner), "Host": 'evil.example/"><script>'}
        answer = await client.get(f"{path}?limit=1", headers=headers)
        assert answer.links["next"]["url"].startswith(f"{path}?limit=1&cursor=")


@pytest.mark.parametrize("sort", ["newest", "popular"])
async def test_pages_neither_repeat_nor_skip_while_polls_are_created(
    client: httpx.AsyncClient, sort: str
) -> None:
    await create_many(client, 6)
    url, seen = f"{everything}?limit=2&sort={sort}", []
    while url:
        answer = await client.get(url, headers=bearer(owner))
        seen += [poll["question"] for poll in answer.json()]
        await asyncio.gather(*[create_poll(client, owner, question="new") for _ in range(3)])
        url = answer.links.get("next", {}).get("url", "")

    assert [one for one in seen if one != "new"] == [f"Q{n}" for n in range(5, -1, -1)]


async def test_polls_of_the_same_moment_are_all_listed(
    client: httpx.AsyncClient, services: Services, settings: Any
) -> None:
    await create_many(client, 7)
    polls = services.mongo[settings.database_name]["poll"]
    await polls.update_many({}, {"$set": {"createdAt": datetime(2026, 1, 1, tzinfo=UTC)}})

    for sort in ("newest", "popular"):
        found = await all_pages(client, f"{everything}?limit=2&sort={sort}")
        assert sorted(found) == [f"Q{n}" for n in range(7)]


async def test_most_liked_first_then_newest(client: httpx.AsyncClient) -> None:
    polls = await create_many(client, 5)
    for place, likes in ((0, 1), (2, 2), (3, 1)):
        for user in (owner, other)[:likes]:
            path = f"/api/poll/like-poll/{polls[place]['id']}"
            await client.put(path, headers=bearer(user))

    expected = ["Q2", "Q3", "Q0", "Q4", "Q1"]
    for path in (everything, own):
        assert await questions(client, path, sort="popular") == expected
        assert await all_pages(client, f"{path}?sort=popular&limit=2") == expected
    await client.delete(f"/api/poll/like-poll/{polls[2]['id']}", headers=bearer(other))
    await client.delete(f"/api/poll/like-poll/{polls[2]['id']}", headers=bearer(owner))
    assert await questions(client, sort="popular") == ["Q3", "Q0", "Q4", "Q2", "Q1"]


async def test_open_and_closed(client: httpx.AsyncClient) -> None:
    closes_at = datetime.now(UTC) + timedelta(milliseconds=300)
    polls = await create_many(client, 3)
    await create_poll(client, owner, question="ended", closesAt=closes_at.isoformat())
    await create_poll(client, owner, question="later", closesAt="2099-01-01T00:00:00Z")
    await client.post(f"/api/poll/close-poll/{polls[1]['id']}", headers=bearer(owner))
    while datetime.now(UTC) < closes_at:  # noqa: ASYNC110 - the server's clock is this one
        await asyncio.sleep(0.01)

    for path in (everything, own):
        for sort in ("newest", "popular"):
            assert await questions(client, path, status="open", sort=sort) == ["later", "Q2", "Q0"]
            assert await questions(client, path, status="closed", sort=sort) == ["ended", "Q1"]
    assert await all_pages(client, f"{everything}?status=open&limit=1") == [
        "later",
        "Q2",
        "Q0",
    ]


async def test_unlisted_polls_are_found_by_those_who_know_them(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, question="hidden", visibility="unlisted")
    await create_poll(client, owner, question="shown")
    await create_poll(client, other, question="another's")

    assert await questions(client) == ["another's", "shown"]
    assert await questions(client, q="hidden") == []
    assert await questions(client, own) == ["shown", "hidden"]
    found = await client.get(f"/api/poll/get-poll-by-id/{poll['id']}", headers=bearer(other))
    assert found.json()["visibility"] == "unlisted"


async def test_a_poll_moves_in_and_out_of_the_public_list(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    path = f"/api/poll/update-poll/{poll['id']}"
    for visibility, expected in (("unlisted", []), ("public", [poll["question"]])):
        await client.patch(path, json={"visibility": visibility}, headers=bearer(owner))
        assert await questions(client) == expected


async def test_a_users_list_is_for_that_user_and_for_admins(client: httpx.AsyncClient) -> None:
    await create_poll(client, owner)

    stranger = await client.get(own, headers=bearer(other))
    manager = await client.get(own, headers=bearer(admin, roles=["admin"]))
    empty = await client.get(f"/api/poll/get-poll-by-user-id/{other}", headers=bearer(other))
    no_id = await client.get("/api/poll/get-poll-by-user-id/x", headers=bearer(other))

    assert (stranger.status_code, stranger.json()["code"]) == (403, "forbidden")
    assert len(manager.json()) == 1
    assert (empty.status_code, empty.json()) == (200, [])
    assert (no_id.status_code, no_id.json()["errors"][0]["field"]) == (422, "user_id")
