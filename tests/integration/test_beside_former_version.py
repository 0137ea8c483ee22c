"""An instance of 0.1 at work on the same stores: neither goes by what the other has not heard."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from secrets import token_hex

import httpx
import orjson
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.counting.keys import FormerKeys
from tests.builders import create_poll, look, vote
from tests.conftest import bearer
from tests.integration.realtime_harness import Live


def former_keys(services: Services) -> FormerKeys:
    return FormerKeys(services.counters.keys.prefix)


async def gone(services: Services, name: str) -> None:
    """Wait until a key is there no more."""
    async with asyncio.timeout(5):
        while await services.redis.call("EXISTS", name):  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.02)


async def swept(services: Services) -> None:
    """Look through the server once, some keys in each round: all tests have keys there."""
    while services.former._cursor is not None:
        await services.former.round()


async def test_what_it_writes_is_counted(live: Live, rest: httpx.AsyncClient) -> None:
    services, owner = live.services, token_hex(12)
    poll, screen = await create_poll(rest, owner), await live.screen()
    await screen.subscribe(poll["id"])
    await services.redis.call("ZREM", services.counters.keys.due, poll["id"])  # nobody is to look
    database = services.mongo[services.settings.database_name]
    now = datetime.now(UTC)
    ballot = {"userId": ObjectId(), "pollId": ObjectId(poll["id"]), "createdAt": now, "castAt": now}
    chosen = ObjectId(poll["options"][0]["id"])
    await database["vote"].insert_one({**ballot, "optionIds": [chosen], "revision": 0})
    event = {"event": "vote-update", "pollId": poll["id"], "version": 1}
    await services.redis.call("PUBLISH", services.counters.keys.updates, orjson.dumps(event))
    async with asyncio.timeout(5):
        await screen.until("vote-update", votersCount=1)
    assert (await look(rest, poll, owner))["votersCount"] == 1


async def test_its_counts_are_dropped_when_something_is_written_here(
    live: Live, rest: httpx.AsyncClient
) -> None:
    services = live.services
    poll = await create_poll(rest, token_hex(12))
    keys, call = former_keys(services), services.redis.call
    await call("SET", keys.lease, "an instance of 0.1", "EX", 60)
    await call("SET", keys.state(poll["id"]), "{}")
    await vote(rest, poll, 0, token_hex(12))
    await gone(services, keys.state(poll["id"]))
    # It had read MongoDB before that vote, and puts its count in place after it.
    await call("SET", keys.state(poll["id"]), "{}")
    await gone(services, keys.state(poll["id"]))


async def test_a_like_drops_them_too_and_what_was_left_behind_goes(
    live: Live, rest: httpx.AsyncClient
) -> None:
    services = live.services
    poll, other = await create_poll(rest, token_hex(12)), str(ObjectId())
    keys, call = former_keys(services), services.redis.call
    for poll_id in (poll["id"], other):
        await call("SET", keys.state(poll_id), "{}")
    await rest.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer())
    await gone(services, keys.state(poll["id"]))
    services.former._cursor = 0  # as after a start
    await swept(services)
    assert not await call("EXISTS", keys.state(other))
