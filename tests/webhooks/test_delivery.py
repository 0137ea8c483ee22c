"""How messages get there: at least once, in order for each poll, and nobody waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from quickpoll.composition import Services
from quickpoll.polls.bodies import instant
from quickpoll.webhooks import sending
from tests.builders import create_poll
from tests.webhooks.receiver import Message, Receiver
from tests.webhooks.test_events import act, listen, owner
from tests.webhooks.test_routes import ask

pauses = (0.3, *[0.05] * 8)


def answering(*statuses: int | bytes) -> Callable[[Receiver, Message], Awaitable[int | bytes]]:
    """One answer after the other, the last one from then on."""
    left = list(statuses)

    async def behave(_: Receiver, __: Message) -> int | bytes:
        return left.pop(0) if len(left) > 1 else left[0]

    return behave


async def hangs(_: Receiver, __: Message) -> int:
    """Never answers."""
    await asyncio.Event().wait()
    return 204


async def deliveries(client: httpx.AsyncClient, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    """What is listed of a webhook's messages."""
    answer = await ask(client, "GET", f"webhook-deliveries/{webhook['id']}")
    found: list[dict[str, Any]] = answer.json()
    return found


async def status(client: httpx.AsyncClient) -> str:
    """The status of the owner's one webhook."""
    (found,) = (await ask(client, "GET", "get-webhooks")).json()
    said: str = found["status"]
    return said


async def until(wanted: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while not await wanted():  # noqa: ASYNC110 - the product offers no event for it
            await asyncio.sleep(0.02)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again soon."""
    monkeypatch.setattr(sending, "RETRY_SECONDS", pauses)


def test_the_pauses_are_those_that_are_promised() -> None:
    minutes, hours = 60, 3600
    wanted = [5, 5 * minutes, 30 * minutes, *(n * hours for n in (2, 5, 10, 14, 20, 24))]
    assert list(sending.RETRY_SECONDS) == wanted


async def test_the_pauses_lie_between_the_attempts(
    client: httpx.AsyncClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "RETRY_SECONDS", (1.0, *[300.0] * 8))
    receiver.behave = answering(500)
    webhook = await listen(client, receiver)
    await create_poll(client, owner)
    await receiver.until(lambda found: len(found) >= 2)

    async def noted() -> bool:
        return len((await deliveries(client, webhook))[0]["attempts"]) >= 2

    await until(noted)
    (listed,) = await deliveries(client, webhook)
    first, second = (datetime.fromisoformat(one["at"]) for one in listed["attempts"])
    assert second - first >= timedelta(seconds=1)
    assert listed["state"] == "waiting"


@pytest.mark.usefixtures("soon")
async def test_what_failed_is_sent_again_and_holds_back_its_own_poll_alone(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    failing = await create_poll(client, owner)
    other = await create_poll(client, owner)
    webhook = await listen(client, receiver)

    async def fails_twice(_: Receiver, message: Message) -> int:
        tries = [one for one in receiver.messages if one.id == message.id]
        of_failing = message.body["data"]["id"] == failing["id"]
        return 500 if of_failing and message.type == "poll.closed" and len(tries) < 3 else 204

    receiver.behave = fails_twice
    await act(client, "POST", "close-poll", failing)
    await receiver.until(lambda found: bool(found))
    await act(client, "POST", "reopen-poll", failing)
    await act(client, "POST", "close-poll", other)
    came = await receiver.until(lambda found: len(found) >= 5)
    order = [(one.type, one.body["data"]["id"] == failing["id"]) for one in came]
    closed, reopened, of_other = (
        ("poll.closed", True),
        ("poll.reopened", True),
        ("poll.closed", False),
    )
    assert [one for one in order if one[1]] == [closed, closed, closed, reopened]
    assert order.index(of_other) < order.index(reopened)
    assert len({one.id for one in came}) == 3
    assert len({one.raw for one in came}) == 3
    for message in came:
        message.verify(webhook["secret"])

    async def all_there() -> bool:
        found = await deliveries(client, webhook)
        return [one["state"] for one in found] == ["delivered"] * 3

    await until(all_there)
    listed = await deliveries(client, webhook)
    tried = [[attempt["status"] for attempt in one["attempts"]] for one in listed]
    assert sorted(tried) == [[204], [204], [500, 500, 204]]


@pytest.mark.usefixtures("soon")
async def test_after_ten_attempts_it_is_given_up_and_the_next_one_goes(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.behave = answering(*[503] * 10, 204)
    webhook = await listen(client, receiver)
    poll = await create_poll(client, owner)
    await act(client, "POST", "close-poll", poll)
    came = await receiver.until(lambda found: len(found) >= 11)
    assert [one.type for one in came] == ["poll.created"] * 10 + ["poll.closed"]

    async def settled() -> bool:
        return [one["state"] for one in await deliveries(client, webhook)] == [
            "delivered",
            "given_up",
        ]

    await until(settled)
    assert len((await deliveries(client, webhook))[1]["attempts"]) == 10


async def test_gone_disables_and_enabling_sends_what_has_waited(
    client: httpx.AsyncClient, services: Services, receiver: Receiver
) -> None:
    receiver.behave = answering(410, 204)
    webhook = await listen(client, receiver)
    poll = await create_poll(client, owner)

    async def disabled() -> bool:
        return await status(client) == "disabled"

    async def unheard() -> bool:
        return not await services.outbox.listeners.any()

    await until(disabled)
    await until(unheard)
    await act(client, "POST", "close-poll", poll)  # nobody hears of this
    path = f"update-webhook/{webhook['id']}"
    assert (await ask(client, "PATCH", path, {"status": "active"})).json()["status"] == "active"
    await act(client, "POST", "reopen-poll", poll)
    await receiver.until_types("poll.created", "poll.created", "poll.reopened")


async def test_a_redirect_is_not_followed(client: httpx.AsyncClient) -> None:
    async with Receiver() as elsewhere:
        moved = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n"
        async with Receiver(answering(moved % elsewhere.url.encode())) as receiver:
            webhook = await listen(client, receiver)
            await create_poll(client, owner)

            async def tried() -> bool:
                return bool((await deliveries(client, webhook))[0]["attempts"])

            await receiver.until_types("poll.created")
            await until(tried)
            (listed,) = await deliveries(client, webhook)
            assert (listed["state"], listed["attempts"][0]["status"]) == ("waiting", 302)
            assert elsewhere.messages == []


async def test_one_that_hangs_or_never_ends_delays_no_other(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    async def never_ends(_: Receiver, __: Message) -> bytes:
        return b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000

    async with Receiver(hangs) as hanging, Receiver(never_ends) as endless:
        await listen(client, hanging)
        await listen(client, endless)
        await listen(client, receiver)
        poll = await create_poll(client, owner)
        for _ in range(3):
            await act(client, "POST", "close-poll", poll)
            await act(client, "POST", "reopen-poll", poll)
        kinds = ["created", *["closed", "reopened"] * 3]
        await receiver.until_types(*(f"poll.{one}" for one in kinds))
        await endless.until_types(*(f"poll.{one}" for one in kinds))
        assert len(hanging.messages) == 1


async def test_a_message_that_hangs_holds_back_its_own_poll_alone(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    hanging, other = [await create_poll(client, owner) for _ in range(2)]

    async def hangs_for_one(receiver: Receiver, message: Message) -> int:
        of_other = message.body["data"]["id"] == other["id"]
        return 204 if of_other else await hangs(receiver, message)

    receiver.behave = hangs_for_one
    webhook = await listen(client, receiver)
    await act(client, "POST", "close-poll", hanging)
    await receiver.until_types("poll.closed")
    await act(client, "POST", "close-poll", other)

    async def taken() -> bool:
        return "delivered" in [one["state"] for one in await deliveries(client, webhook)]

    await until(taken)
    listed = {one["state"]: one["attempts"] for one in await deliveries(client, webhook)}
    assert listed["waiting"] == []  # the first is still being sent


async def test_everything_since_a_moment_is_sent_again_as_it_was(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    webhook = await listen(client, receiver)
    poll = await create_poll(client, owner)
    await receiver.until_types("poll.created")
    closed = await act(client, "POST", "close-poll", poll)
    await act(client, "POST", "reopen-poll", poll)
    first = list(await receiver.until_types("poll.created", "poll.closed", "poll.reopened"))

    async def all_there() -> bool:
        return {one["state"] for one in await deliveries(client, webhook)} == {"delivered"}

    await until(all_there)
    path = f"replay-webhook/{webhook['id']}"
    answer = await ask(client, "POST", path, {"since": closed["closedAt"]})
    assert (answer.status_code, answer.json()) == (202, {"messages": 2})
    again = (await receiver.until(lambda found: len(found) >= 5))[3:]
    assert [(one.id, one.raw) for one in again] == [(one.id, one.raw) for one in first[1:]]
    later = instant(datetime.now(UTC) + timedelta(hours=1))
    assert (await ask(client, "POST", path, {"since": later})).json() == {"messages": 0}
    for wrong in ({}, {"since": "yesterday"}, {"since": "2030-01-31T12:00:00"}):
        answer = await ask(client, "POST", path, wrong)
        assert answer.json()["errors"][0]["field"] == "since"
