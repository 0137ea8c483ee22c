"""Screens whose events were lost are shown the last state all the same."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import httpx
import orjson
from bson import ObjectId

from quickpoll.composition import Services
from tests.builders import create_poll
from tests.conftest import bearer
from tests.integration.realtime_harness import Live


async def change_unheard(services: Services, poll: dict[str, Any], **fields: Any) -> None:
    """Another instance has changed the state, and what it published was lost."""
    keys, link = services.counters.keys, services.redis
    await link.call("ZREM", keys.due, poll["id"])  # nobody is about to look at it
    state = orjson.loads(await link.call("GET", keys.state(poll["id"])))
    version = str(int(state["version"]) + 64)
    changed = {**state, "version": version, "publicVersion": version, **fields}
    await link.call("SET", keys.state(poll["id"]), orjson.dumps(changed))


async def test_what_nobody_was_heard_to_say_is_shown(live: Live, rest: httpx.AsyncClient) -> None:
    poll, screen = await create_poll(rest, token_hex(12)), await live.screen()
    await screen.subscribe(poll["id"])
    await rest.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer())
    await screen.until("like-update", likes=1)
    await change_unheard(live.services, poll, likes=7)
    await live.services.screens.compare()
    async with asyncio.timeout(5):
        await screen.until("like-update", likes=7)


async def test_a_close_that_nobody_was_heard_to_say_is_told(
    live: Live, rest: httpx.AsyncClient
) -> None:
    """Its poll is known here as it was: the counts name another revision."""
    poll, screen = await create_poll(rest, token_hex(12)), await live.screen()
    await screen.subscribe(poll["id"])
    polls = live.services.mongo[live.services.settings.database_name]["poll"]
    closed = {"status": "closed", "closedAt": datetime.now(UTC), "revision": 2}
    await polls.update_one({"_id": ObjectId(poll["id"])}, {"$set": closed})
    await change_unheard(live.services, poll, revision=2)
    await live.services.screens.compare()
    async with asyncio.timeout(5):
        await screen.until("poll-update", change="closed")


async def test_the_same_state_is_not_told_twice_under_one_version(
    live: Live, rest: httpx.AsyncClient
) -> None:
    """The counts that are shown anew have the likes in them."""
    poll, screen = await create_poll(rest, token_hex(12)), await live.screen()
    await screen.subscribe(poll["id"])
    await change_unheard(live.services, poll, voters=3)
    live.services.relay.missed()
    async with asyncio.timeout(5):
        await screen.until("vote-update", votersCount=3)
        await rest.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer())
        await screen.until("like-update", likes=1)
    versions = [one["version"] for one in screen.heard_of(poll["id"])]
    assert versions == sorted(set(versions))
