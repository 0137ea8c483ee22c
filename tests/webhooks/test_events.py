"""What webhooks hear of: every event, in order, frozen when it happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer
from tests.webhooks.receiver import Receiver

owner, stranger, admin = (f"65f1c0ffee0000000000ab0{n}" for n in (1, 2, 3))
every_event = [
    *("poll.created", "poll.updated", "poll.closed", "poll.reopened", "poll.deleted"),
    *("poll.results", "session.updated"),
]
changes = [one for one in every_event if one != "poll.results"]


async def listen(
    client: httpx.AsyncClient, receiver: Receiver, user: str = owner, **fields: Any
) -> dict[str, Any]:
    """A new webhook of a user's, with its secret."""
    asked = {"url": receiver.url, "events": changes, **fields}
    claims = {"roles": ["admin"]} if user == admin else {}
    answer = await client.post(
        "/api/webhook/create-webhook", json=asked, headers=bearer(user, **claims)
    )
    assert answer.status_code == 201, answer.text
    webhook: dict[str, Any] = answer.json()
    return webhook


async def act(
    client: httpx.AsyncClient, method: str, name: str, poll: dict[str, Any], body: Any = None
) -> Any:
    """Do something to a poll of the owner's."""
    path = f"/api/poll/{name}/{poll['id']}"
    answer = await client.request(method, path, json=body, headers=bearer(owner))
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def test_a_poll_s_life_is_told_in_order_as_it_was_each_time(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    webhook = await listen(client, receiver)
    poll = await create_poll(client, owner)
    updated = await act(client, "PATCH", "update-poll", poll, {"question": "Which one?"})
    closed = await act(client, "POST", "close-poll", poll)
    reopened = await act(client, "POST", "reopen-poll", poll)
    await act(client, "DELETE", "delete-poll", poll)
    kinds = ("created", "updated", "closed", "reopened", "deleted")
    messages = await receiver.until_types(*(f"poll.{one}" for one in kinds))
    assert [one.body["data"] for one in messages] == [poll, updated, closed, reopened, reopened]
    assert len({one.id for one in messages}) == 5
    for message in messages:
        message.verify(webhook["secret"])
        assert message.body.keys() == {"type", "timestamp", "data"}
    assert messages[0].body["timestamp"] == poll["createdAt"]
    assert messages[2].body["timestamp"] == closed["closedAt"]


async def test_results_come_at_once_and_at_last_final(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    await listen(client, receiver, events=["poll.results", "poll.closed"])
    poll = await create_poll(client, owner, results="owner")
    assert (await vote(client, poll, 0, stranger)).status_code == 201
    (first,) = await receiver.until(lambda found: bool(found))
    assert first.type == "poll.results"
    assert first.body["data"]["final"] is False
    assert first.body["data"]["counts"][option(poll, 0)] == 1
    assert (await vote(client, poll, 1, owner)).status_code == 201
    await act(client, "POST", "close-poll", poll)
    messages = await receiver.until_types("poll.results", "poll.closed", "poll.results")
    view = await look(client, poll, owner)
    wanted = {name: view[name] for name in ("counts", "votersCount", "votesCount", "version")}
    assert messages[2].body["data"] == {"pollId": poll["id"], **wanted, "final": True}
    assert stranger not in messages[2].raw.decode()
    times = [datetime.fromisoformat(one.body["timestamp"]) for one in messages]
    assert times[2] - times[0] >= timedelta(seconds=5)


async def test_a_deadline_closes_too(client: httpx.AsyncClient, receiver: Receiver) -> None:
    await listen(client, receiver, events=["poll.closed", "poll.results"])
    soon = datetime.now(UTC) + timedelta(seconds=1)
    poll = await create_poll(client, owner, closesAt=soon.isoformat())
    closed, final = await receiver.until_types("poll.closed", "poll.results")
    assert closed.body["data"]["status"] == "closed"
    assert closed.body["timestamp"] == closed.body["data"]["closedAt"] == poll["closesAt"]
    assert final.body["data"]["final"] is True


async def test_each_hears_of_what_is_theirs(client: httpx.AsyncClient) -> None:
    async with Receiver() as mine, Receiver() as of_one, Receiver() as all_of_them:
        await listen(client, mine)
        await listen(client, all_of_them, admin)
        first = await create_poll(client, owner)
        await listen(client, of_one, pollId=first["id"])
        second = await create_poll(client, owner)
        foreign = await create_poll(client, stranger)
        await act(client, "POST", "close-poll", second)
        await act(client, "POST", "close-poll", first)
        await mine.until(lambda found: len(found) >= 4)
        await all_of_them.until(lambda found: len(found) >= 5)
        assert {one.body["data"]["id"] for one in mine.messages} == {first["id"], second["id"]}
        assert foreign["id"] in {one.body["data"]["id"] for one in all_of_them.messages}
        (only,) = await of_one.until_types("poll.closed")
        assert only.body["data"]["id"] == first["id"]
