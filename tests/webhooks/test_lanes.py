"""Lanes and the lease, step by step."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from bson import ObjectId
from pymongo import monitoring

from quickpoll.composition import Services
from quickpoll.webhooks.lease import OutboxLease
from quickpoll.webhooks.models import DELIVERED, WAITING, Lane
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_events import listen

row = {"type": "poll.closed", "body": "{}", "ownerId": ObjectId()}


@pytest.mark.usefixtures("client")
async def test_a_lane_that_was_filled_since_it_was_seen_empty_stays(services: Services) -> None:
    outbox = services.outbox
    await outbox.sender.aclose()  # nothing moves by itself
    webhook, topic = ObjectId(), ObjectId()

    async def put(number: int) -> None:
        one = {**row, "number": number, "at": datetime.now(UTC), "webhooks": [webhook]}
        await outbox.deliveries.put(topic, [one])

    await put(1)
    lane = await outbox.deliveries.lane(f"{webhook}:{topic}")
    assert lane is not None
    first = await outbox.deliveries.first(lane)
    assert first is not None
    await outbox.deliveries.attempted(first, {"at": datetime.now(UTC), "status": 204}, DELIVERED)
    assert await outbox.deliveries.first(lane) is None
    await put(2)
    assert not await outbox.deliveries.end(lane)
    again = await outbox.deliveries.lane(lane.id)
    assert again is not None
    second = await outbox.deliveries.first(again)
    assert second is not None
    assert second.number == 2
    await put(2)  # the same again is the same
    assert len(await outbox.deliveries.newest(webhook)) == 2


async def put_one(services: Services, webhook: ObjectId, topic: ObjectId, number: int) -> None:
    """Put one delivery into a lane."""
    one = {**row, "number": number, "at": datetime.now(UTC), "webhooks": [webhook]}
    await services.outbox.deliveries.put(topic, [one])


async def filled_lane(services: Services, webhook: ObjectId, topic: ObjectId) -> Lane:
    """A lane with one delivery, which nobody sends."""
    await services.outbox.sender.aclose()
    await put_one(services, webhook, topic, 1)
    lane = await services.outbox.deliveries.lane(f"{webhook}:{topic}")
    assert lane is not None
    return lane


@pytest.mark.usefixtures("client")
async def test_the_end_of_a_lane_said_twice_spares_the_next_one(services: Services) -> None:
    outbox, webhook, topic = services.outbox, ObjectId(), ObjectId()
    lane = await filled_lane(services, webhook, topic)
    assert await outbox.deliveries.end(lane)
    await put_one(services, webhook, topic, 2)
    assert not await outbox.deliveries.end(lane)  # as the driver repeats it
    assert await outbox.deliveries.lane(lane.id) is not None


@pytest.mark.usefixtures("client")
async def test_a_lane_of_an_earlier_build_is_read_filled_and_ended(services: Services) -> None:
    outbox = services.outbox
    await outbox.sender.aclose()
    webhook, topic = ObjectId(), ObjectId()
    lane_id = f"{webhook}:{topic}"
    stored = {"_id": lane_id, "webhookId": webhook, "topic": topic, "nextAt": None}
    lanes = services.engine.database["webhook_lane"]
    await lanes.insert_one({**stored, "version": 3})
    lane = await outbox.deliveries.lane(lane_id)
    assert lane is not None
    await lanes.update_one({"_id": lane.id}, {"$inc": {"version": 1}})  # as that build fills it
    assert not await outbox.deliveries.end(lane)
    again = await outbox.deliveries.lane(lane.id)
    assert again is not None
    await put_one(services, webhook, topic, 1)
    assert not await outbox.deliveries.end(again)
    await lanes.replace_one({"_id": lane.id}, {**stored, "version": 4})
    assert await outbox.deliveries.end(again)


@pytest.mark.usefixtures("client")
async def test_an_attempt_written_down_twice_counts_once(services: Services) -> None:
    outbox, webhook, topic = services.outbox, ObjectId(), ObjectId()
    lane = await filled_lane(services, webhook, topic)
    delivery = await outbox.deliveries.first(lane)
    assert delivery is not None
    attempt = {"at": datetime(2030, 1, 31, 12, 0, 0, 123789, UTC), "status": 500}
    later = {**attempt, "at": datetime(2030, 1, 31, 12, 0, 15, tzinfo=UTC)}
    for one in (attempt, attempt, later):
        await outbox.deliveries.attempted(delivery, one, WAITING)
    (found,) = await outbox.deliveries.newest(webhook)
    assert found.tries == len(found.attempts) == 2


class LanesRead(monitoring.CommandListener):
    """Counts the lanes that MongoDB hands out."""

    number = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """A command is sent."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """It was answered."""
        cursor = event.reply.get("cursor", {}) if event.command_name == "find" else {}
        if cursor.get("ns", "").endswith(".webhook_lane"):
            self.number += len(cursor["firstBatch"])

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """It was not."""


lanes_read = LanesRead()
monitoring.register(lanes_read)  # clients that are made from now on tell it


async def test_what_a_message_costs_does_not_grow_with_what_waits(
    client: httpx.AsyncClient, services: Services, receiver: Receiver
) -> None:
    outbox = services.outbox
    await outbox.sender.aclose()
    webhook = ObjectId((await listen(client, receiver))["id"])
    polls = 100
    for _ in range(polls):
        one = {**row, "number": 1, "at": datetime.now(UTC), "webhooks": [webhook]}
        await outbox.deliveries.put(ObjectId(), [one])
    lanes_read.number = 0
    outbox.sender.start()
    await receiver.until(lambda found: len(found) >= polls)
    assert len({one.id for one in receiver.messages}) == polls
    assert lanes_read.number < 5 * polls


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def holders(*leases: OutboxLease) -> list[OutboxLease]:
    """Those that take themselves for the holder."""
    return [one for one in leases if one.held]


@pytest.mark.usefixtures("client")
async def test_the_lease_stays_with_who_lives_and_goes_from_who_died(
    services: Services, client: httpx.AsyncClient
) -> None:
    await services.outbox.aclose()
    await services.engine.database["webhook_bookkeeping"].delete_many({})
    clock = Clock()
    one, other = (OutboxLease(name, services.engine, clock) for name in ("one", "other"))
    await one.look()
    await one.look()
    assert holders(one, other) == [one]
    for _ in range(10):  # both look, and time passes
        clock.seconds += 0.5
        await one.look()
        await other.look()
        assert holders(one, other) == [one]
    for _ in range(4):  # one looks no more
        clock.seconds += 0.5
        await other.look()
        assert other not in holders(one, other)
    assert holders(one, other) == []
    clock.seconds += 0.5
    await other.look()
    await one.look()
    assert holders(one, other) == [other]
    await other.aclose()
    await one.look()
    assert holders(one, other) == [one]
