"""What a list is asked for: words, times, contexts, and cursors that are none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.polls.models import context_pairs
from tests.builders import create_poll
from tests.conftest import bearer
from tests.integration.lists_harness import (
    admin,
    create_many,
    everything,
    own,
    owner,
    pages,
    questions,
)


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
