"""The last state of the counts is told, also where nobody has heard of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import httpx
import pytest

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, option, vote
from tests.conftest import bearer, served
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_events import act, admin, listen, owner


@pytest.mark.parametrize("user", [owner, admin])
async def test_what_was_voted_while_nobody_told_is_told_by_whoever_tells_next(
    settings: Settings, receiver: Receiver, user: str
) -> None:
    first, second = create_app(settings), create_app(settings)
    async with served(first) as client:
        services: Services = first.extensions["quickpoll"]
        before = await create_poll(client, owner)
        assert (await vote(client, before, 0, token_hex(12))).status_code == 201
        # A version is a moment, and two seconds too early are let pass: clocks may differ so much.
        await asyncio.sleep(2.2)
        await listen(client, receiver, user, events=["poll.results", "poll.deleted"])
        poll = await create_poll(client, owner)
        for part in (services.outbox.sender, services.outbox.teller, services.outbox.lease):
            await part.aclose()
        for _ in range(3):
            assert (await vote(client, poll, 1, token_hex(12))).status_code == 201
        async with served(second) as other:
            (told,) = await receiver.until_types("poll.results")
            await act(other, "DELETE", "delete-poll", poll)
            await receiver.until_types("poll.results", "poll.deleted")
    assert told.body["data"]["pollId"] == poll["id"]
    assert told.body["data"]["counts"][option(poll, 1)] == 3


async def test_a_change_of_counts_that_were_told_before_is_told_by_the_next(
    settings: Settings, receiver: Receiver
) -> None:
    first, second = create_app(settings), create_app(settings)
    async with served(first) as client:
        outbox = first.extensions["quickpoll"].outbox
        await listen(client, receiver, events=["poll.results"])
        poll = await create_poll(client, owner)
        assert (await vote(client, poll, 0, token_hex(12))).status_code == 201
        await receiver.until_types("poll.results")
        for part in (outbox.sender, outbox.teller, outbox.lease):
            await part.aclose()
        assert (await vote(client, poll, 1, token_hex(12))).status_code == 201
        async with served(second):
            messages = await receiver.until(lambda found: len({one.id for one in found}) > 1)
    # At least once: what was on its way when its sender was stopped may come a second time.
    told = {one.id: one.body["data"]["votersCount"] for one in messages}
    assert list(told.values()) == [1, 2]


async def test_what_nobody_listens_to_is_noted_nowhere(
    settings: Settings, receiver: Receiver
) -> None:
    app = create_app(settings)
    async with served(app) as client:
        services: Services = app.extensions["quickpoll"]
        database = services.engine.database
        await listen(client, receiver)
        poll = await create_poll(client, token_hex(12))
        mine = await create_poll(client, owner)
        await act(client, "POST", "close-poll", mine)
        await receiver.until_types("poll.created", "poll.closed")
        streams = await database["webhook_stream"].find({}, {"_id": 1}).to_list(None)
        assert [str(one["_id"]) for one in streams] == [mine["id"]]
        assert await database["webhook_intent"].find_one({"topic": poll["id"]}) is None


async def end_a_session(client: httpx.AsyncClient) -> list[Any]:
    """A session that was run and ended, as it was answered each time."""
    head = bearer(owner)
    path = "/api/session/create-session"
    made = (await client.post(path, json={"title": "An evening"}, headers=head)).json()
    titled = await client.patch(
        f"/api/session/update-session/{made['id']}", json={"title": "A night"}, headers=head
    )
    path = f"/api/session/end-session/{made['id']}"
    ended = [await client.post(path, headers=head) for _ in range(2)]  # the second changes nothing
    return [titled.json(), ended[0].json()]


async def test_a_session_is_told_as_it_was_and_once_a_version(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(client, receiver, events=["session.updated"])
    await listen(client, receiver, events=["poll.closed"])
    answered = await end_a_session(client)
    messages = await receiver.until_types("session.updated", "session.updated")
    assert [one.body["data"] for one in messages] == answered
    assert [list(one.body["data"]) for one in messages] == [list(one) for one in answered]
    created, told = (
        datetime.fromisoformat(one)
        for one in (answered[0]["createdAt"], messages[0].body["timestamp"])
    )
    assert created <= told <= datetime.now(UTC)


async def test_counts_of_a_poll_that_is_open_again_are_not_told_as_final(
    client: httpx.AsyncClient,
    services: Services,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results = services.outbox.teller._results
    is_final, turns = results._is_final, []
    await listen(client, receiver, events=["poll.results", "poll.reopened"])
    poll = await create_poll(client, owner)

    async def reopened_meanwhile(*of: Any) -> bool:
        turns.append(of)
        if len(turns) == 1:
            await act(client, "POST", "reopen-poll", poll)
            assert (await vote(client, poll, 0, token_hex(12))).status_code == 201
        return await is_final(*of)

    monkeypatch.setattr(results, "_is_final", reopened_meanwhile)
    await act(client, "POST", "close-poll", poll)
    messages = await receiver.until_types("poll.reopened", "poll.results")
    told = {one.body["type"]: one.body["data"] for one in messages}
    assert turns
    assert (told["poll.results"]["votersCount"], told["poll.results"]["final"]) == (1, False)
