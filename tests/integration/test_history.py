"""The history of a poll: a row for each change, and who is told whose it was."""

from __future__ import annotations

import asyncio

import httpx

from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, look
from tests.conftest import bearer, served
from tests.integration.management_harness import (
    act,
    admin,
    ahead,
    changes,
    history,
    nobody,
    other,
    owner,
    patch,
    texts,
)


async def test_who_has_changed_a_poll_is_told_to_owner_and_admin(client: httpx.AsyncClient) -> None:
    poll, own = await create_poll(client, owner), await create_poll(client, admin)
    headers = bearer(admin, roles=["admin"])
    await patch(client, poll, question="One?")
    for one in (poll, own):
        path = f"/api/poll/update-poll/{one['id']}"
        await client.patch(path, json={"question": "Two?"}, headers=headers)

    rows = {}
    for one in (poll, own):
        path = f"/api/poll/poll-history/{one['id']}"
        rows[one["id"]] = (await client.get(path, headers=headers)).json()
    path = f"/api/poll/poll-history/{poll['id']}"
    assert (await client.get(path, headers=bearer(owner))).json() == rows[poll["id"]]
    assert [row["by"] for row in rows[poll["id"]]] == [
        {"type": "user", "id": owner},
        {"type": "admin", "id": admin},
    ]
    assert [row["by"] for row in rows[own["id"]]] == [{"type": "user", "id": admin}]
    assert all("by" not in row for row in await history(client, poll))


async def test_the_history_has_a_row_for_each_request_that_changed_something(
    client: httpx.AsyncClient,
) -> None:
    poll = await create_poll(client, owner)
    await patch(client, poll, question="Which?", maxChoices=2)
    await patch(client, poll, question="Which?")
    await patch(client, poll, question="")
    await patch(client, poll, other, question="Mine?")
    await act(client, "close", poll)
    await act(client, "close", poll)
    await patch(client, poll, options=texts(poll, "red", "green", "violet"), closesAt=ahead)
    await act(client, "reopen", poll)

    rows = await history(client, poll)

    assert [set(row) for row in rows] == [{"at", "change", "from", "to"}] * 4
    moments = [row["at"] for row in rows]
    assert moments == sorted(moments)
    assert all(moment.endswith("Z") for moment in moments)
    before = [{**one, "pollId": poll["id"]} for one in texts(poll, "red", "green", "blue")]
    after = [{**one, "pollId": poll["id"]} for one in texts(poll, "red", "green", "violet")]
    was_open = {"status": "open", "closedAt": None}
    was_closed = {"status": "closed", "closedAt": moments[1]}
    assert changes(rows) == [
        (
            "updated",
            {"question": poll["question"], "maxChoices": 1},
            {"question": "Which?", "maxChoices": 2},
        ),
        ("closed", was_open, was_closed),
        (
            "updated",
            {"options": before, "closesAt": None},
            {"options": after, "closesAt": ahead},
        ),
        ("reopened", was_closed, was_open),
    ]
    missing = await client.get(f"/api/poll/poll-history/{nobody}", headers=bearer(other))
    assert missing.json()["code"] == "poll_not_found"


async def test_changes_at_the_same_time_each_leave_a_row(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    poll = await create_poll(client, owner)
    async with served(create_app(settings)) as second:
        answers = await asyncio.gather(
            *[patch((client, second)[n % 2], poll, question=f"Q{n}?") for n in range(12)]
        )
        assert {one.status_code for one in answers} == {200}
        rows = await history(client, poll)
        assert len(rows) == 12
        asked = [row["from"]["question"] for row in rows]
        answered = [row["to"]["question"] for row in rows]
        assert asked[1:] == answered[:-1]
        for instance in (client, second):
            assert (await look(instance, poll, other))["question"] == answered[-1]
