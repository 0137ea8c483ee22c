"""Whichever step an instance dies at, the other one tells everything: at least once, in order, and
as it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from quickpoll.foundation.stores.lease import Lease
from quickpoll.localrun.embedded import StoreAddresses
from tests.conftest import bearer
from tests.exact.framing import mongo_command
from tests.exact.pair import Pair, owner, settles, two_running
from tests.webhooks.conftest import allowed
from tests.webhooks.receiver import Message, Receiver
from tests.webhooks.test_events import changes

Step = tuple[str, str, bool]
"""A command, its collection, and whether it still reaches MongoDB."""


def named(step: Step) -> str:
    """A step in a test's name."""
    command, collection, lands = step
    return f"{command}-{collection}-{'after' if lands else 'before'}"


@pytest.fixture
async def telling(stores: StoreAddresses, name: str) -> AsyncIterator[Pair]:
    """Two instances A and B, of which A tells and sends."""
    async with two_running(stores, name, API_WEBHOOKS="on", API_WEBHOOK_ALLOW=allowed) as pair:
        first, second = (one.live.services.outbox.lease for one in pair.both)
        await second.aclose()
        await asyncio.wait_for(_until_held(first), 10)
        second.start()
        yield pair


async def _until_held(lease: Lease) -> None:
    while not lease.held:  # noqa: ASYNC110 - the product offers no event for it
        await asyncio.sleep(0.02)


async def listening(pair: Pair, receiver: Receiver) -> None:
    """A webhook of the owner's, made on B."""
    asked = {"url": receiver.url, "events": changes}
    path = "/api/webhook/create-webhook"
    answer = await pair.b.http.post(path, json=asked, headers=bearer(owner))
    assert answer.status_code == 201, answer.text


def in_order(messages: list[Message]) -> list[str]:
    """The events by their first arrival; what comes again is the same, byte for byte, and nothing
    that is older comes after what is newer but what may have been under way."""
    first: dict[str, Message] = {}
    for message in messages:
        assert first.setdefault(message.id, message).raw == message.raw
    return [one.type for one in first.values()]


async def quiet(pair: Pair) -> None:
    """Wait until everything is told, sent and written down."""

    async def left() -> list[str]:
        names = ("webhook_intent", "webhook_lane")
        return [name for name in names if await pair.database[name].find_one({})]

    await settles(left, 10)


async def dies_at(pair: Pair, step: Step, poll: dict[str, Any], method: str, route: str) -> None:
    """Have A do something to a poll, and die at a step of it, or of telling it."""
    command, collection, lands = step
    trap = pair.a.mongo.catch(mongo_command(command, collection), answers=lands)
    asking = asyncio.create_task(pair.a.act(method, route, poll))
    await trap.caught(10)
    if lands:
        await trap.landed()
    pair.a.die()
    trap.release()
    with suppress(httpx.TransportError):
        await asking


@pytest.mark.parametrize(
    "step",
    [
        ("insert", "webhook_intent", False),
        ("update", "poll", True),
        ("update", "webhook_stream", False),
        ("update", "webhook_delivery", False),
        ("delete", "webhook_intent", False),
        ("delete", "webhook_lane", False),
    ],
    ids=named,
)
async def test_a_close_is_told_wherever_its_instance_dies(
    telling: Pair, receiver: Receiver, step: Step
) -> None:
    await listening(telling, receiver)
    poll = await telling.poll()
    await receiver.until_types("poll.created")
    await quiet(telling)
    await dies_at(telling, step, poll, "POST", "close-poll")
    assert (await telling.b.act("POST", "close-poll", poll)).status_code == 200
    assert (await telling.b.act("POST", "reopen-poll", poll)).status_code == 200
    await receiver.until(lambda found: any(one.type == "poll.reopened" for one in found))
    assert in_order(receiver.messages) == ["poll.created", "poll.closed", "poll.reopened"]


@pytest.mark.parametrize(
    "step",
    [("delete", "poll", False), ("delete", "poll", True), ("delete", "poll_change", True)],
    ids=named,
)
async def test_a_deletion_is_told_with_all_that_went_with_it(
    telling: Pair, receiver: Receiver, step: Step
) -> None:
    await listening(telling, receiver)
    poll = await telling.poll()
    await receiver.until_types("poll.created")
    await quiet(telling)
    await telling.a.live.services.outbox.teller.aclose()  # what follows is not told yet
    for route in ("close-poll", "reopen-poll"):
        assert (await telling.a.act("POST", route, poll)).status_code == 200
    await dies_at(telling, step, poll, "DELETE", "delete-poll")
    assert (await telling.b.act("DELETE", "delete-poll", poll)).status_code in (204, 404)
    await receiver.until(lambda found: any(one.type == "poll.deleted" for one in found))
    kinds = ("created", "closed", "reopened", "deleted")
    assert in_order(receiver.messages) == [f"poll.{one}" for one in kinds]
    status = {one.type: one.body["data"]["status"] for one in receiver.messages}
    assert list(status.values()) == ["open", "closed", "open", "open"]


async def test_what_was_noted_and_has_not_happened_is_not_told(
    telling: Pair, receiver: Receiver
) -> None:
    await listening(telling, receiver)
    poll = await telling.poll()
    trap = telling.a.mongo.catch(mongo_command("update", "poll"))
    closing = asyncio.create_task(telling.a.act("POST", "close-poll", poll))
    await trap.caught()
    changed = await telling.b.act("PATCH", "update-poll", poll, body={"visibility": "unlisted"})
    assert changed.status_code == 200
    trap.release()
    assert (await closing).status_code == 200
    messages = await receiver.until_types("poll.created", "poll.updated", "poll.closed")
    assert [one.body["data"]["status"] for one in messages] == ["open", "open", "closed"]
    assert [one.body["data"]["visibility"] for one in messages] == [
        *("public", "unlisted", "unlisted")
    ]


async def test_a_change_that_a_deletion_overtakes_is_told_first(
    telling: Pair, receiver: Receiver
) -> None:
    await listening(telling, receiver)
    poll = await telling.poll()
    trap = telling.a.mongo.catch(mongo_command("delete", "poll"))
    deleting = asyncio.create_task(telling.a.act("DELETE", "delete-poll", poll))
    await trap.caught()
    changed = await telling.b.act("PATCH", "update-poll", poll, body={"visibility": "unlisted"})
    assert changed.status_code == 200
    trap.release()
    assert (await deleting).status_code == 204
    messages = await receiver.until_types("poll.created", "poll.updated", "poll.deleted")
    assert messages[2].body["data"]["visibility"] == "unlisted"


async def test_from_the_answer_on_every_instance_knows_a_webhook(
    telling: Pair, receiver: Receiver
) -> None:
    poll = await telling.poll()
    # B is the one that looks least often: it has just looked when the webhook is made.
    await telling.b.live.services.outbox.listeners.aclose()
    await telling.b.live.services.outbox.listeners.look()
    asked = {"url": receiver.url, "events": changes}
    path = "/api/webhook/create-webhook"
    made = await telling.a.http.post(path, json=asked, headers=bearer(owner))
    assert made.status_code == 201
    assert (await telling.b.act("POST", "close-poll", poll)).status_code == 200
    await receiver.until_types("poll.closed")
