"""Closing and reopening, by hand and by a deadline."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx

from tests.builders import create_poll, look, vote
from tests.conftest import bearer
from tests.integration.management_harness import (
    act,
    ahead,
    changes,
    further,
    history,
    other,
    owner,
    patch,
    poll_past_its_deadline,
)


async def test_close_and_reopen_can_be_repeated(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, owner, closesAt=ahead)

    assert await act(client, "reopen", poll) == poll
    began = datetime.now(UTC)
    first = await act(client, "close", poll)
    moment = first["closedAt"]
    closed = {**poll, "status": "closed", "closedAt": moment}
    assert first == closed == await act(client, "close", poll)
    assert (await look(client, poll, other))["closedAt"] == moment
    written = datetime.fromisoformat(moment) + timedelta(milliseconds=1)
    assert moment.endswith("Z")
    assert began < written < datetime.now(UTC) + timedelta(milliseconds=1)
    refused = await vote(client, poll, 0, other)
    assert (refused.status_code, refused.json()["code"]) == (409, "poll_closed")
    assert [await act(client, "reopen", poll) for _ in range(2)] == [poll, poll]
    assert (await vote(client, poll, 0, other)).status_code == 201
    rows = await history(client, poll)
    was_open, was_closed = (
        {"status": "open", "closedAt": None},
        {"status": "closed", "closedAt": moment},
    )
    assert changes(rows) == [
        ("closed", was_open, was_closed),
        ("reopened", was_closed, was_open),
    ]
    assert rows[0]["at"] == moment


async def test_reopening_clears_a_deadline_that_has_passed(client: httpx.AsyncClient) -> None:
    poll = await poll_past_its_deadline(client)
    seen = await look(client, poll, other)
    assert (seen["status"], seen["closedAt"]) == ("closed", poll["closesAt"])
    assert (await act(client, "close", poll))["closesAt"] == poll["closesAt"]

    opened = await act(client, "reopen", poll)

    assert (opened["status"], opened["closesAt"]) == ("open", None)
    assert (await vote(client, poll, 0, other)).status_code == 201
    was = {"status": "closed", "closedAt": poll["closesAt"]}
    assert changes(await history(client, poll)) == [
        ("closed", {"status": "open", "closedAt": None}, was),
        (
            "reopened",
            {**was, "closesAt": poll["closesAt"]},
            {"status": "open", "closedAt": None, "closesAt": None},
        ),
    ]


async def test_a_deadlines_close_has_its_row_at_once(client: httpx.AsyncClient) -> None:
    poll = await poll_past_its_deadline(client)
    path = f"/api/poll/poll-history/{poll['id']}"

    for _ in range(2):  # before and after it was written down
        rows = (await client.get(path, headers=bearer(owner))).json()
        assert rows == [
            {
                "at": poll["closesAt"],
                "change": "closed",
                "from": {"status": "open", "closedAt": None},
                "to": {"status": "closed", "closedAt": poll["closesAt"]},
                "by": {"type": "service", "id": None},
            }
        ]
        await act(client, "close", poll)


async def test_a_poll_closed_by_hand_and_by_its_deadline_reopens(client: httpx.AsyncClient) -> None:
    closes_at = datetime.now(UTC) + timedelta(milliseconds=400)
    poll = await create_poll(client, owner, closesAt=closes_at.isoformat())
    assert (await act(client, "close", poll))["status"] == "closed"
    while datetime.now(UTC) < closes_at:  # noqa: ASYNC110 - the server's clock is this one
        await asyncio.sleep(0.01)

    opened = await act(client, "reopen", poll)

    assert (opened["status"], opened["closesAt"]) == ("open", None)


async def test_what_a_deadline_has_closed_is_opened_by_nothing_but_reopen(
    client: httpx.AsyncClient,
) -> None:
    poll = await poll_past_its_deadline(client)
    assert (await patch(client, poll, closesAt=poll["closesAt"])).status_code == 200

    later = (await patch(client, poll, closesAt=ahead)).json()

    assert (later["status"], later["closesAt"]) == ("closed", ahead)
    assert later["closedAt"] == poll["closesAt"]
    assert (await patch(client, poll, closesAt=further)).json()["status"] == "closed"
    assert (await patch(client, poll, closesAt=None)).json()["status"] == "closed"
