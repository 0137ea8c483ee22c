"""Edits of a poll: what may change before the first vote, and what the first vote fixes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, look, vote
from tests.conftest import bearer, served
from tests.integration.management_harness import (
    Poll,
    act,
    admin,
    ahead,
    changes,
    further,
    history,
    other,
    owner,
    past,
    patch,
    texts,
)


async def test_everything_may_change_before_the_first_vote(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    fields: Poll = {
        "question": " Another? ",
        "options": texts(poll, "one", "two", "three")[::-1],
        "minChoices": 2,
        "maxChoices": 3,
        "closesAt": "2098-01-01T02:00:00+02:00",
        "results": "owner",
        "allowVoteChange": True,
        "visibility": "unlisted",
        "context": {"room": "blue", "talk_7": "Ünï"},
    }

    answer = await patch(client, poll, **fields)

    assert answer.status_code == 200
    expected = {**poll, **fields, "question": "Another?", "closesAt": ahead}
    expected["options"] = [{**one, "pollId": poll["id"]} for one in fields["options"]]
    assert answer.json() == expected
    seen = await look(client, poll, owner)
    assert {name: seen[name] for name in expected} == expected
    results = "always"
    assert (await patch(client, poll, results=results)).json()["results"] == results


async def test_a_request_that_changes_nothing_leaves_no_trace(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner)
    same: Poll = {
        "question": f" {poll['question']} ",
        "options": [{"id": one["id"].upper(), "text": one["text"]} for one in poll["options"]],
        "maxChoices": 1,
        "closesAt": None,
    }
    before = (await look(client, poll, owner))["version"]

    unchanged: tuple[Poll, ...] = ({}, same)
    for fields in unchanged:
        answer = await patch(client, poll, **fields)
        assert (answer.status_code, answer.json()) == (200, poll)

    assert await history(client, poll) == []
    assert (await look(client, poll, owner))["version"] == before


bad_changes: dict[str, tuple[Any, str]] = {
    "unknown field": ({"colour": 1}, "colour"),
    "snake case": ({"min_choices": 1}, "min_choices"),
    "status": ({"status": "closed"}, "status"),
    "no question": ({"question": None}, "question"),
    "empty question": ({"question": " "}, "question"),
    "control character": ({"question": "a\x00"}, "question"),
    "no options": ({"options": None}, "options"),
    "null number": ({"minChoices": None}, "minChoices"),
    "null results": ({"results": None}, "results"),
    "null boolean": ({"allowVoteChange": None}, "allowVoteChange"),
    "null visibility": ({"visibility": None}, "visibility"),
    "past": ({"closesAt": past}, "closesAt"),
    "over the end of time": ({"closesAt": "9999-12-31T23:59:59-01:00"}, "closesAt"),
    "too many": ({"maxChoices": 4}, "maxChoices"),
    "minimum over maximum": ({"minChoices": 2}, "minChoices"),
    "list": ([], "body"),
    "text": ("closed", "body"),
}


@pytest.mark.parametrize("case", bad_changes.values(), ids=bad_changes.keys())
async def test_a_bad_change(client: httpx.AsyncClient, case: tuple[Any, str]) -> None:
    body, blamed = case
    poll = await create_poll(client, owner)
    path = f"/api/poll/update-poll/{poll['id']}"

    answer = await client.patch(path, json=body, headers=bearer(owner))

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [one["field"] for one in answer.json()["errors"]] == [blamed]
    assert (await look(client, poll, owner))["question"] == poll["question"]


async def test_fewer_options_must_be_enough_for_the_choices(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, maxChoices=3)
    two = texts(poll, "red", "green")

    refused = await patch(client, poll, options=two)
    at_once = await patch(client, poll, options=two, maxChoices=2)
    more = await patch(client, poll, options=[*two, {"text": "blue"}], maxChoices=3)

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "maxChoices")
    assert (at_once.status_code, more.status_code) == (200, 200)
    assert len(more.json()["options"]) == more.json()["maxChoices"] == 3


async def test_the_first_vote_fixes_what_voters_rely_on(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, allowVoteChange=True, results="after_close")
    await vote(client, poll, 0, other)
    await client.delete(f"/api/poll/ballot/{poll['id']}", headers=bearer(other))
    refused: list[tuple[Poll, str]] = [
        ({"question": "Another?"}, "poll_has_votes"),
        ({"options": texts(poll, "x", "green", "blue")}, "poll_has_votes"),
        ({"options": texts(poll, "red", "green", "blue")[::-1]}, "poll_has_votes"),
        ({"options": texts(poll, "red", "green")}, "poll_has_votes"),
        ({"options": [*texts(poll, "red", "green", "blue"), {"text": "x"}]}, "poll_has_votes"),
        ({"question": "Another?", "maxChoices": 2}, "poll_has_votes"),
        ({"maxChoices": 2}, "locked"),
        ({"minChoices": 2, "maxChoices": 2}, "locked"),
        ({"allowVoteChange": False}, "locked"),
        ({"results": "after_vote"}, "locked"),
        ({"results": "always"}, "locked"),
        ({"visibility": "unlisted", "results": "always"}, "locked"),
    ]

    for fields, code in refused:
        for user, claims in ((owner, {}), (admin, {"roles": ["admin"]})):
            path = f"/api/poll/update-poll/{poll['id']}"
            answer = await client.patch(path, json=fields, headers=bearer(user, **claims))
            assert (answer.status_code, answer.json()["code"]) == (409, code), fields
    seen = await look(client, poll, owner)
    assert {name: seen[name] for name in poll} == poll
    assert await history(client, poll) == []


async def test_what_stays_free_after_the_first_vote(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, results="after_vote")
    await vote(client, poll, 0, other)
    allowed: list[Poll] = [
        {"visibility": "unlisted"},
        {"visibility": "public"},
        {"closesAt": ahead},
        {"closesAt": further},
        {"closesAt": None},
        {"results": "after_close"},
        {"results": "owner"},
        {"question": poll["question"], "maxChoices": 1},
        {"options": texts(poll, "red", "green", "blue")},
        {"context": {"room": "blue"}},
        {"context": {"room": "red", "talk": "7"}},
        {"context": {"talk": "7", "room": "red"}},
        {"context": {}},
    ]

    for fields in allowed:
        assert (await patch(client, poll, **fields)).status_code == 200, fields
    rows = await history(client, poll)
    assert len(rows) == 10
    assert changes(rows)[8] == (
        "updated",
        {"context": {"room": "blue"}},
        {"context": {"room": "red", "talk": "7"}},
    )
    await act(client, "close", poll)
    assert (await patch(client, poll, context={"a": "b"})).json()["context"] == {"a": "b"}


async def test_after_the_close_results_may_become_more_open(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, results="owner")
    await vote(client, poll, 0, other)
    assert (await patch(client, poll, results="always")).json()["code"] == "locked"
    await act(client, "close", poll)
    assert (await look(client, poll, other))["resultsHidden"] is True

    assert (await patch(client, poll, results="always")).status_code == 200

    assert (await look(client, poll, other))["votersCount"] == 1
    assert (await patch(client, poll, question="Another?")).json()["code"] == "poll_has_votes"
    assert (await patch(client, poll, allowVoteChange=True)).json()["code"] == "locked"


async def test_no_edit_slips_past_the_first_vote(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    """Either the edit came first and its words were voted on, or the vote did and they stay."""
    async with served(create_app(settings)) as second:
        for _ in range(15):
            poll = await create_poll(client, owner)
            edit, cast = await asyncio.gather(
                patch(second, poll, question="Another?", results="after_close"),
                vote(client, poll, 0, other),
            )
            assert cast.status_code == 201
            rows = await history(client, poll)
            if edit.status_code == 200:
                assert len(rows) == 1
            else:
                assert edit.json()["code"] == "poll_has_votes"
                assert rows == []
            again = await patch(client, poll, question="A third?")
            assert again.json()["code"] == "poll_has_votes"
