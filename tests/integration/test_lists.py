"""Lists of polls: filters, search, order and pages that stay put."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import httpx
import pytest
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.polls.models import context_pairs
from tests.builders import create_poll, vote
from tests.conftest import bearer

owner, other, admin = (f"65f1c0ffee0000000000f00{n}" for n in range(3))
everything = "/api/poll/get-all-polls"
own = f"/api/poll/get-poll-by-user-id/{owner}"


async def questions(client: httpx.AsyncClient, path: str = everything, **query: Any) -> list[str]:
    answer = await client.get(path, params=query, headers=bearer(owner))
    assert answer.status_code == 200, answer.text
    return [poll["question"] for poll in answer.json()]


async def pages(client: httpx.AsyncClient, url: str) -> list[list[str]]:
    found = []
    while url:
        answer = await client.get(url, headers=bearer(owner))
        assert answer.status_code == 200
        found.append([poll["question"] for poll in answer.json()])
        url = answer.links.get("next", {}).get("url", "")
    return found


async def all_pages(client: httpx.AsyncClient, url: str) -> list[str]:
    return list(chain.from_iterable(await pages(client, url)))


async def create_many(client: httpx.AsyncClient, count: int, **fields: Any) -> list[dict[str, Any]]:
    return [await create_poll(client, owner, question=f"Q{n}", **fields) for n in range(count)]


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


@pytest.mark.parametrize(
    ("question", "sought"),
    [
        ("Which Colour?", "colour"),
        ("Which Colour?", "COLOUR?"),
        ("Which Colour?", "ch Co"),
        ("Die Straße", "STRASSE"),
        ("Die STRASSE", "straße"),
        ("İstanbul", "istanbul"[1:]),
        ("Αθήνας", "ΑΘΉΝΑΣ"),
        ("caf\u00e9", "CAFE\u0301"),
        ("cafe\u0301", "caf\u00e9"),
        ("100% (a+b)*c? [x] {y} ^$ | \\ . #-&~ /", "% (a+b)*c? [x] {y} ^$ | \\ . #-&~ /"),
        ("😀👍🏽", "👍🏽"),
        ("x" * 500, "x" * 100),
        ("ᾂ" * 100, "ᾂ" * 100),
        ("\u0390" * 120, "\u0390" * 100),
    ],
)
async def test_text_is_found_anywhere_in_the_question(
    client: httpx.AsyncClient, question: str, sought: str
) -> None:
    await create_poll(client, owner, question=question)
    await create_poll(client, owner, question="something else")

    for path in (everything, own):
        for sort in ("newest", "popular"):
            assert await questions(client, path, q=sought, sort=sort) == [question]


@pytest.mark.parametrize("sought", [".", ".*", "^", "$", "a|b", "\\w", "[a-z]", "(a+)+$", "%", "_"])
async def test_a_search_is_no_pattern(client: httpx.AsyncClient, sought: str) -> None:
    await create_poll(client, owner, question="abc")
    assert await questions(client, q=sought) == []


async def test_a_search_follows_the_question(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, question="before")
    path = f"/api/poll/update-poll/{poll['id']}"
    await client.patch(path, json={"question": "AFTER"}, headers=bearer(owner))

    assert await questions(client, q="before") == []
    assert await questions(client, q="after") == ["AFTER"]
    assert await questions(client, q="") == ["AFTER"]


async def test_filters_go_together(client: httpx.AsyncClient) -> None:
    polls = await create_many(client, 6)
    for poll in polls[::2]:
        await client.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))

    url = f"{everything}?status=closed&q=q&sort=popular&limit=2"
    assert await pages(client, url) == [["Q4", "Q2"], ["Q0"]]


async def test_closed_since(client: httpx.AsyncClient) -> None:
    """By hand, by a deadline that is written down, and by one that is not yet."""
    polls = await create_many(client, 2)
    soon = datetime.now(UTC) + timedelta(milliseconds=300)
    await create_poll(client, owner, question="ended", closesAt=soon.isoformat())
    await client.post(f"/api/poll/close-poll/{polls[0]['id']}", headers=bearer(owner))
    while datetime.now(UTC) < soon:  # noqa: ASYNC110 - the server's clock is this one
        await asyncio.sleep(0.01)

    an_hour = timedelta(hours=1)
    for path in (everything, own):
        for sort in ("newest", "popular"):
            for since, found in ((soon - an_hour, ["ended", "Q0"]), (soon + an_hour, [])):
                asked = {"closedSince": since.isoformat(), "sort": sort}
                assert await questions(client, path, **asked) == found
                assert await questions(client, path, **asked, status="closed") == found
                assert await questions(client, path, **asked, status="open") == []
        assert await questions(client, path, closedSince=soon.isoformat()) == ["ended"]


async def test_unlisted_ones_too_for_administrators(client: httpx.AsyncClient) -> None:
    await create_poll(client, owner, question="hidden", visibility="unlisted")
    await create_poll(client, owner, question="shown")
    manager = bearer(admin, roles=["admin"])

    for path in (everything, own):
        refused = await client.get(f"{path}?visibility=any", headers=bearer(owner))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        found = await client.get(f"{path}?visibility=any", headers=manager)
        assert [poll["question"] for poll in found.json()] == ["shown", "hidden"]
    page = await client.get(f"{everything}?visibility=any&limit=1", headers=manager)
    cursor = httpx.URL(page.links["next"]["url"]).params["cursor"]
    elsewhere = await client.get(f"{everything}?cursor={cursor}", headers=manager)
    assert elsewhere.status_code == 422


async def test_by_context(client: httpx.AsyncClient, services: Services, settings: Any) -> None:
    contexts = [{}, {"event": "a b&c"}, {"event": "a b&c", "room": "1"}, {"room": "1"}]
    stored = services.mongo[settings.database_name]["poll"]
    for poll, context in zip(await create_many(client, 4), contexts, strict=True):
        fields = {"context": context, "contextPairs": context_pairs(context)}
        await stored.update_one({"_id": ObjectId(poll["id"])}, {"$set": fields})

    event, room = {"context.event": "a b&c"}, {"context.room": "1"}
    for path in (everything, own):
        for sort in ("newest", "popular"):
            assert await questions(client, path, **event, sort=sort) == ["Q2", "Q1"]
            assert await questions(client, path, **event, **room, sort=sort) == ["Q2"]
            assert await questions(client, path, **room, q="3", sort=sort) == ["Q3"]
            assert await questions(client, path, **{"context.event": "a"}, sort=sort) == []
        assert await questions(client, path, **{"context[room]": "1"}) == ["Q3", "Q2"]
        url = f"{path}?context.event=a%20b%26c&limit=1&closedSince=2020-01-01T00:00:00Z"
        assert await pages(client, url) == [[]]
        assert await pages(client, f"{path}?context.event=a%20b%26c&limit=1") == [["Q2"], ["Q1"]]


bad_queries = {
    "closedSince": ["", "today", "2030-01-31", "2030-01-31T12:00:00", "1893456000"],
    "visibility": ["", "public", "ANY"],
    "context.A": ["1"],
    "context.": ["1"],
    "context.event": ["", "x" * 65, "%00", "a&context.event=b"],
    "limit": ["0", "101", "-1", "abc", "", "1.0", "+5", " 5", "1_0", "٣", "9" * 30, "1&limit=2"],
    "status": ["OPEN", "", "all", "open&status=closed"],
    "sort": ["oldest", "", "NEWEST"],
    "q": ["x" * 101, "%00", "a%1Fb", "%7F", "%ff", "%ED%A0%80", "a&q=b"],
    "cursor": ["", "abc", "%00", "😀", "W10", "e30", "a" * 1001, "AAAA====", "../../x"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, one) for name, values in bad_queries.items() for one in values]
)
async def test_a_bad_query(client: httpx.AsyncClient, name: str, value: str) -> None:
    for path in (everything, own):
        answer = await client.get(f"{path}?{name}={value}", headers=bearer(owner))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert [one["field"] for one in answer.json()["errors"]] == [name]


async def test_a_cursor_belongs_to_its_list_and_is_not_made_up(client: httpx.AsyncClient) -> None:
    await create_many(client, 3)
    answer = await client.get(f"{everything}?limit=1", headers=bearer(owner))
    cursor = httpx.URL(answer.links["next"]["url"]).params["cursor"]

    tampered = [
        cursor[:place] + ("A" if one != "A" else "B") + cursor[place + 1 :]
        for place, one in enumerate(cursor)
    ]
    for wrong in (*tampered, cursor[:-1], cursor + "A", cursor + "=", cursor.swapcase()):
        refused = await client.get(everything, params={"cursor": wrong}, headers=bearer(owner))
        assert refused.status_code == 422, wrong
        assert refused.json()["errors"][0]["field"] == "cursor"
    for elsewhere, query in ((everything, {"sort": "popular"}), (own, {})):
        asked = {**query, "cursor": cursor}
        refused = await client.get(elsewhere, params=asked, headers=bearer(owner))
        assert refused.status_code == 422, elsewhere
    assert await questions(client, cursor=cursor) == ["Q1", "Q0"]


async def test_unknown_parameters_are_ignored(client: httpx.AsyncClient) -> None:
    await create_many(client, 1)
    assert await questions(client, colour="red") == ["Q0"]
