"""Live updates while a store is away, and after it has come back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from secrets import token_hex

import httpx
import pytest
from redis.asyncio import Redis

from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from tests.builders import create_poll, vote
from tests.conftest import bearer, environment, settings_from
from tests.instances import free_port
from tests.integration.realtime_harness import Live, running


@pytest.fixture
async def redis(stores: StoreAddresses) -> AsyncIterator[Redis]:
    async with Redis(host=stores.redis_host, port=stores.redis_port, decode_responses=True) as r:
        yield r


async def test_subscribing_while_mongodb_is_away(stores: StoreAddresses, name: str) -> None:
    variables = environment(stores, name)
    variables["API_DATABASE_URL"] = f"mongodb://127.0.0.1:{free_port()}/{name}"
    async with running(settings_from(variables), wait=False) as live:
        screen = await live.screen()
        assert screen.refused is None
        began = time.monotonic()
        for _ in range(2):
            answer = await screen.subscribe(token_hex(12))
            assert set(answer) == {"error", "unknown"}
            assert answer["error"]["code"] == "unavailable"
            assert answer["unknown"] == []
        assert time.monotonic() - began < 6
        assert live.services.audience.followed() == []
        assert len(live.services.audience.on_firehose()) == 1


async def test_versions_grow_for_every_client_though_redis_forgets_all(
    live: Live, rest: httpx.AsyncClient, redis: Redis, name: str
) -> None:
    poll = await create_poll(rest, token_hex(12))
    follower, everything = await live.screen(), await live.screen()
    await follower.subscribe(poll["id"])
    cast = 0
    for _ in range(4):
        for _ in range(5):
            await asyncio.gather(*[vote(rest, poll, 0, token_hex(12)) for _ in range(5)])
            cast += 5
        if keys := [key async for key in redis.scan_iter(f"{name}:*")]:
            await redis.delete(*keys)
    for screen in (follower, everything):
        await screen.until("vote-update", votersCount=cast)
        updates = screen.heard_of(poll["id"], "vote-update")
        state: dict[int, dict[str, int]] = {}
        for one in updates:
            assert state.setdefault(one["version"], one["counts"]) == one["counts"]
        versions = [one["version"] for one in updates]
        assert versions == sorted(versions)
        newest = [one["votersCount"] for one in updates]
        assert newest == sorted(newest)


async def test_what_was_said_while_nobody_listened_is_found_out(
    settings: Settings, live: Live, rest: httpx.AsyncClient, redis: Redis
) -> None:
    owner = token_hex(12)
    polls = [await create_poll(rest, owner) for _ in range(3)]
    closing, deleting, voting = polls
    async with running(settings) as elsewhere:
        screen, everything = await elsewhere.screen(), await elsewhere.screen()
        await screen.subscribe(*[poll["id"] for poll in polls])

        await redis.client_kill_filter(_type="pubsub")
        await asyncio.gather(
            rest.post(f"/api/poll/close-poll/{closing['id']}", headers=bearer(owner)),
            rest.delete(f"/api/poll/delete-poll/{deleting['id']}", headers=bearer(owner)),
            vote(rest, voting, 0, token_hex(12)),
        )

        await screen.until("poll-update", pollId=closing["id"], change="closed")
        await screen.until("poll-update", pollId=deleting["id"], change="deleted")
        await screen.until("vote-update", pollId=voting["id"], votersCount=1)
        await everything.until("vote-update", pollId=voting["id"], votersCount=1)


async def test_what_happened_while_redis_hung_is_found_out_by_all(
    settings: Settings, live: Live, rest: httpx.AsyncClient, redis: Redis
) -> None:
    owner = token_hex(12)
    closing, voting = [await create_poll(rest, owner) for _ in range(2)]
    async with running(settings) as elsewhere:
        screens = [await elsewhere.screen(), await live.screen()]
        for screen in screens:
            await screen.subscribe(closing["id"], voting["id"])
        await redis.client_pause(1_500)
        while elsewhere.services.redis.available:  # noqa: ASYNC110 - its heartbeat finds out
            await asyncio.sleep(0.01)
        await rest.post(f"/api/poll/close-poll/{closing['id']}", headers=bearer(owner))
        assert (await vote(rest, voting, 0, token_hex(12))).status_code == 201
        for screen in screens:
            await screen.until("poll-update", pollId=closing["id"], change="closed")
            await screen.until("vote-update", pollId=voting["id"], votersCount=1)
            assert len(screen.heard_of(closing["id"], "poll-update")) == 1


async def test_a_poll_is_read_ten_times_a_second_at_most_by_every_instance(
    settings: Settings, live: Live, rest: httpx.AsyncClient, redis: Redis, name: str
) -> None:
    poll = await create_poll(rest, token_hex(12))
    async with running(settings) as elsewhere:
        screens = [await one.screen() for one in (live, elsewhere) for _ in range(3)]
        for screen in screens:
            await screen.subscribe(poll["id"])
        reads: Counter[str] = Counter()

        async def listen() -> None:
            async with redis.monitor() as monitor:
                async for said in monitor.listen():
                    if said["command"].startswith("MGET") and poll["id"] in said["command"]:
                        # The reconciler has looks of its own now and then, two reads each.
                        reads["looks" if ":option:" in said["command"] else "states"] += 1

        listening = asyncio.create_task(listen())
        began, cast = time.monotonic(), 0
        while time.monotonic() - began < 1.5:
            await asyncio.gather(*[vote(rest, poll, 0, token_hex(12)) for _ in range(20)])
            cast += 20
        for screen in screens:
            await screen.until("vote-update", votersCount=cast)
        lasted = time.monotonic() - began
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert 0 < reads["states"] - 2 * reads["looks"] <= 2 * (lasted * 10 + 2)
    for screen in screens:
        assert len(screen.heard_of(poll["id"])) <= lasted * 10 + 2
