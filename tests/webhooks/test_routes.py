"""The routes of webhooks: what they take, what they refuse, and whose they are."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll
from tests.conftest import bearer, served
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_events import admin, listen, owner, stranger

an_address = "https://hooks.example/quickpoll"
asked: dict[str, Any] = {"url": an_address, "events": ["poll.closed"]}
nowhere = "65f1c0ffee0000000000dead"


async def ask(
    client: httpx.AsyncClient, method: str, path: str, body: Any = None, user: str = owner
) -> httpx.Response:
    """A request of a user's."""
    claims = {"roles": ["admin"]} if user == admin else {}
    path = f"/api/webhook/{path}"
    return await client.request(method, path, json=body, headers=bearer(user, **claims))


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """A webhook that leads nowhere."""
    answer = await ask(client, "POST", "create-webhook", {**asked, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_the_secret_is_shown_once(client: httpx.AsyncClient) -> None:
    made = await create(client)
    assert made.keys() == {"id", "url", "events", "pollId", "status", "secret"}
    assert made["secret"].startswith("whsec_")
    assert (made["url"], made["events"], made["pollId"]) == (an_address, ["poll.closed"], None)
    (listed,) = (await ask(client, "GET", "get-webhooks")).json()
    assert listed == {name: made[name] for name in made if name != "secret"}
    changed = await ask(client, "PATCH", f"update-webhook/{made['id']}", {"url": an_address})
    assert changed.json() == listed
    assert (await ask(client, "GET", "get-webhooks", user=admin)).json() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": ["poll.closed"]}, "url"),
        ({"url": an_address}, "events"),
        ({**asked, "url": "http://hooks.example/"}, "url"),
        ({**asked, "url": "https://10.0.0.1/"}, "url"),
        ({**asked, "url": "https://[::ffff:10.0.0.1]/"}, "url"),
        ({**asked, "url": "https://user:password@hooks.example/"}, "url"),
        ({**asked, "url": "ftp://hooks.example/"}, "url"),
        ({**asked, "url": 7}, "url"),
        ({**asked, "url": None}, "url"),
        ({**asked, "events": []}, "events"),
        ({**asked, "events": "poll.closed"}, "events"),
        ({**asked, "events": ["poll.closed", "poll.voted"]}, "events.1"),
        ({**asked, "events": ["poll.closed", "poll.closed"]}, "events.1"),
        ({**asked, "pollId": "no id"}, "pollId"),
        ({**asked, "secret": "mine"}, "secret"),
    ],
)
async def test_what_is_wrong_is_named(client: httpx.AsyncClient, body: Any, field: str) -> None:
    answer = await ask(client, "POST", "create-webhook", body)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    made = await create(client)
    if body.keys() >= asked.keys():
        wrong = {name: value for name, value in body.items() if value != asked.get(name)}
        answer = await ask(client, "PATCH", f"update-webhook/{made['id']}", wrong)
        assert answer.status_code == 422
        assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_polls_of_others_are_an_administrator_s(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, stranger)
    theirs = {**asked, "pollId": poll["id"]}
    answer = await ask(client, "POST", "create-webhook", theirs)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    unknown = await ask(client, "POST", "create-webhook", {**asked, "pollId": nowhere})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "poll_not_found")
    allowed = await ask(client, "POST", "create-webhook", theirs, user=admin)
    assert (allowed.status_code, allowed.json()["pollId"]) == (201, poll["id"])
    made = await create(client)
    for user in (owner, admin):  # nor may an administrator give a user what they may not see
        change = {"pollId": poll["id"]}
        answer = await ask(client, "PATCH", f"update-webhook/{made['id']}", change, user=user)
        assert answer.status_code == 403


async def test_webhooks_of_others_are_an_administrator_s(client: httpx.AsyncClient) -> None:
    made = (await create(client))["id"]
    since = {"since": "2030-01-31T12:00:00Z"}
    for method, name, body in (
        ("PATCH", "update-webhook", {"status": "disabled"}),
        ("POST", "test-webhook", None),
        ("GET", "webhook-deliveries", None),
        ("POST", "replay-webhook", since),
        ("DELETE", "delete-webhook", None),
    ):
        path = f"{name}/{made}"
        assert (await ask(client, method, path, body, user=stranger)).status_code == 403
        unknown = await ask(client, method, f"{name}/{nowhere}", body)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
        wrong = await ask(client, method, f"{name}/no-id", body)
        assert wrong.json()["errors"][0]["field"] == "webhook_id"
        assert (await ask(client, method, path, body, user=admin)).is_success
    assert (await ask(client, "GET", "get-webhooks")).json() == []


async def test_there_are_no_more_than_ten_of_a_user(
    client: httpx.AsyncClient, services: Services
) -> None:
    answers = await asyncio.gather(
        *(ask(client, "POST", "create-webhook", asked) for _ in range(14))
    )
    assert sorted(one.status_code for one in answers) == [201] * 10 + [409] * 4
    refused = next(one for one in answers if one.status_code == 409)
    assert refused.json()["code"] == "too_many_webhooks"
    made = next(one for one in answers if one.status_code == 201).json()["id"]
    assert (await ask(client, "DELETE", f"delete-webhook/{made}")).status_code == 204
    await create(client)
    assert len((await ask(client, "GET", "get-webhooks")).json()) == 10


async def test_a_test_message_is_sent_and_listed(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await listen(client, receiver)
    answer = await ask(client, "POST", f"test-webhook/{made['id']}")
    assert answer.status_code == 202
    (message,) = await receiver.until_types("webhook.test")
    message.verify(made["secret"])
    assert message.id == answer.json()["id"]
    path = f"webhook-deliveries/{made['id']}"
    async with asyncio.timeout(10):
        while True:
            (listed,) = (await ask(client, "GET", path)).json()
            if listed["state"] == "delivered":
                break
    assert listed["id"] == message.id
    assert [one["status"] for one in listed["attempts"]] == [204]


async def test_where_webhooks_are_off_there_is_nothing(settings: Settings) -> None:
    off = settings.model_copy(update={"api_webhooks": "off"})
    async with served(create_app(off)) as client:
        for method, path in (
            ("POST", "create-webhook"),
            ("GET", "get-webhooks"),
            ("PATCH", f"update-webhook/{nowhere}"),
            ("POST", f"replay-webhook/{nowhere}"),
        ):
            answer = await ask(client, method, path, {})
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_no_log_line_has_a_secret_or_an_address(
    settings: Settings, receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    async with served(create_app(settings.model_copy(update={"log_level": "DEBUG"}))) as client:
        made = await listen(client, receiver)
        await ask(client, "PATCH", f"update-webhook/{made['id']}", {"events": ["poll.created"]})
        await create_poll(client, owner)
        await receiver.until_types("poll.created")
    said = capfd.readouterr().err
    assert "webhook" in said
    for secret in (
        made["secret"],
        made["secret"].removeprefix("whsec_"),
        str(receiver.port),
        owner,
    ):
        assert secret not in said
