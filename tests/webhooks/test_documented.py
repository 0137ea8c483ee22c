"""What is answered and sent is what the OpenAPI document says."""

from __future__ import annotations

from typing import Any, get_args

import httpx
from openapi_spec_validator import validate

from quickpoll.webhooks.bodies import EventName
from quickpoll.webhooks.events import EVENTS, TEST
from tests.builders import create_poll, vote
from tests.conftest import bearer
from tests.integration.openapi_contract import check, operations, validator
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_events import act, every_event, listen, owner, stranger
from tests.webhooks.test_results import end_a_session
from tests.webhooks.test_routes import an_address, asked, nowhere


def told(document: Any, kind: str) -> Any:
    """What the document says of a message."""
    name = document["webhooks"][kind]["$ref"].removeprefix("#/components/pathItems/")
    return document["components"]["pathItems"][name]["post"]


async def test_every_answer_is_as_documented(client: httpx.AsyncClient, receiver: Receiver) -> None:
    document = (await client.get("/openapi.json")).json()
    made = (await listen(client, receiver))["id"]
    poll = await create_poll(client, owner)
    await act(client, "POST", "close-poll", poll)
    await receiver.until_types("poll.created", "poll.closed")
    foreign = await create_poll(client, stranger)
    since = {"since": poll["createdAt"]}
    requests: list[tuple[str, str, str, Any]] = [
        ("POST", "create-webhook", owner, asked),
        ("POST", "create-webhook", owner, {}),
        ("POST", "create-webhook", owner, {**asked, "pollId": foreign["id"]}),
        ("POST", "create-webhook", owner, {**asked, "pollId": nowhere}),
        *[("POST", "create-webhook", owner, asked)] * 9,
        ("GET", "get-webhooks", owner, None),
        ("GET", "get-webhooks", "", None),
        ("PATCH", f"update-webhook/{made}", owner, {"url": an_address}),
        ("PATCH", f"update-webhook/{made}", owner, {"status": "gone"}),
        ("PATCH", f"update-webhook/{nowhere}", owner, {}),
        ("POST", f"test-webhook/{made}", owner, None),
        ("POST", f"test-webhook/{made}", stranger, None),
        ("GET", f"webhook-deliveries/{made}", owner, None),
        ("GET", "webhook-deliveries/x", owner, None),
        ("POST", f"replay-webhook/{made}", owner, since),
        ("POST", f"replay-webhook/{made}", owner, {}),
        ("DELETE", f"delete-webhook/{made}", stranger, None),
        ("DELETE", f"delete-webhook/{made}", owner, None),
        ("DELETE", f"delete-webhook/{made}", owner, None),
    ]
    seen = set()
    for method, name, user, body in requests:
        headers = bearer(user) if user else {}
        path = f"/api/webhook/{name}"
        answer = await client.request(method, path, json=body, headers=headers)
        seen.add((method, check(document, method, path, answer)))
    assert seen == {
        (method, path)
        for method, path, _ in operations(document)
        if path.startswith("/api/webhook/")
    }


async def test_every_message_is_as_documented(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    document = (await client.get("/openapi.json")).json()
    validate(document)
    webhook = await listen(client, receiver, events=every_event)
    poll = await create_poll(client, owner)
    await act(client, "PATCH", "update-poll", poll, {"visibility": "unlisted"})
    await vote(client, poll, 0, stranger)
    await receiver.until(lambda found: any(one.type == "poll.results" for one in found))
    await act(client, "POST", "close-poll", poll)
    await act(client, "POST", "reopen-poll", poll)
    await act(client, "DELETE", "delete-poll", poll)
    path = f"/api/webhook/test-webhook/{webhook['id']}"
    assert (await client.post(path, headers=bearer(owner))).status_code == 202
    await end_a_session(client)
    await receiver.until(lambda found: {one.type for one in found} >= {*EVENTS, TEST})
    for message in receiver.messages:
        content = told(document, message.type)["requestBody"]["content"]
        validator(document, content["application/json"]["schema"]).validate(message.body)
        described = told(document, message.type)["description"]
        for header in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            assert f"`{header}`" in described
            assert header in message.headers
    seen = {one.type for one in receiver.messages}
    assert seen == {*EVENTS, TEST}
    assert document["webhooks"].keys() == {*EVENTS, TEST}


def test_the_names_are_one_list() -> None:
    assert get_args(EventName) == EVENTS


async def test_every_example_is_true(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for kind in document["webhooks"]:
        content = told(document, kind)["requestBody"]["content"]["application/json"]
        validator(document, content["schema"]).validate(content["example"])
