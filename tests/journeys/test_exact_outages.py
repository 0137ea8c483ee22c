"""Stores that are absent, dead or hung: what callers get meanwhile, and that it all comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest
import redis

from quickpoll.localrun.embedded import EmbeddedStores
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, environment
from tests.instances import Instance

three_seconds = 3.0


@pytest.fixture
def own_stores(tmp_path: Path) -> Iterator[EmbeddedStores]:
    """Stores that a test may harm."""
    stores = EmbeddedStores(tmp_path)
    stores.start()
    yield stores
    stores.redis.resume()
    stores.mongo.resume()
    stores.stop()


@pytest.fixture
def instance(own_stores: EmbeddedStores) -> Iterator[Instance]:
    """An instance on these stores, not started yet."""
    variables = environment(own_stores.addresses, "outages", API_VOTE_QUEUE="20")
    one = Instance({**variables, "API_REDIS_PREFIX": ""})
    yield one
    one.close()


@pytest.fixture
async def impatient(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    """A client that waits no longer than a caller is promised to wait."""
    limits = httpx.Timeout(three_seconds)
    async with httpx.AsyncClient(base_url=instance.url, timeout=limits) as client:
        yield client


async def until(client: httpx.AsyncClient, **wanted: Any) -> None:
    """Wait until readiness says so."""
    while True:
        answer = await client.get("/health/ready")
        if answer.status_code == wanted["status"] and (
            "degraded" not in wanted or answer.json().get("degraded", []) == wanted["degraded"]
        ):
            return
        await asyncio.sleep(0.05)


def refused(answer: httpx.Response) -> bool:
    """Whether it says that MongoDB is away, as it should."""
    return (
        answer.status_code == 503
        and answer.json()["code"] == "unavailable"
        and int(answer.headers["Retry-After"]) > 0
    )


async def test_without_mongodb_callers_hear_of_it_in_time_and_later_all_is_well(
    own_stores: EmbeddedStores, instance: Instance, impatient: httpx.AsyncClient
) -> None:
    own_stores.mongo.stop()
    instance.start(wait=False)
    await until_alive(impatient)
    headers = bearer(token_hex(12))
    poll_path = f"/api/poll/get-poll-by-id/{token_hex(12)}"
    assert refused(await impatient.get(poll_path, headers=headers))
    await until(impatient, status=503)

    own_stores.mongo.start()
    await until(impatient, status=200)
    poll = await create_poll(impatient, token_hex(12))
    voter = token_hex(12)
    assert (await vote(impatient, poll, 0, voter)).status_code == 201

    own_stores.mongo.pause()
    assert refused(await vote(impatient, poll, 1, token_hex(12)))
    assert refused(await impatient.get(poll_path, headers=headers))
    own_stores.mongo.resume()
    await until(impatient, status=200)
    assert (await vote(impatient, poll, 0, voter)).status_code == 200

    own_stores.mongo.kill()
    assert refused(await vote(impatient, poll, 1, token_hex(12)))
    own_stores.mongo.start()
    await until(impatient, status=200)
    assert (await vote(impatient, poll, 0, voter)).status_code == 200


async def until_alive(client: httpx.AsyncClient) -> None:
    """Wait until the port is open."""
    while True:
        try:
            assert (await client.get("/health/live")).status_code == 200
            return
        except httpx.ConnectError:
            await asyncio.sleep(0.05)


async def test_without_redis_everything_goes_on_and_the_counts_return(
    own_stores: EmbeddedStores, instance: Instance, impatient: httpx.AsyncClient
) -> None:
    own_stores.redis.stop()
    instance.start(wait=False)
    await until_alive(impatient)
    await until(impatient, status=200, degraded=["redis"])
    poll = await create_poll(impatient, token_hex(12))
    await _vote_and_see(impatient, poll, 1)

    own_stores.redis.start()
    await until(impatient, status=200, degraded=[])
    await _until_redis_has(own_stores, poll, 1)

    own_stores.redis.pause()
    await _vote_and_see(impatient, poll, 2)
    await until(impatient, status=200, degraded=["redis"])
    await _vote_and_see(impatient, poll, 3)
    own_stores.redis.resume()
    await until(impatient, status=200, degraded=[])
    await _until_redis_has(own_stores, poll, 3)

    own_stores.redis.kill()
    await _vote_and_see(impatient, poll, 4)
    own_stores.redis.start()
    await _until_redis_has(own_stores, poll, 4)


async def _vote_and_see(client: httpx.AsyncClient, poll: dict[str, Any], votes: int) -> None:
    voter = token_hex(12)
    assert (await vote(client, poll, 0, voter)).status_code == 201
    seen = await look(client, poll, voter)
    assert seen["counts"][option(poll, 0)] == votes
    assert seen["userHasVoted"] == option(poll, 0)


async def _until_redis_has(stores: EmbeddedStores, poll: dict[str, Any], votes: int) -> None:
    with redis.Redis(port=stores.redis.port, decode_responses=True) as store:
        name = f"poll:{poll['id']}:option:{option(poll, 0)}"
        while store.get(name) != str(votes):  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.05)


async def test_a_crowd_beyond_the_queue_is_told_at_once(
    own_stores: EmbeddedStores, instance: Instance, impatient: httpx.AsyncClient
) -> None:
    instance.start()
    poll = await create_poll(impatient, token_hex(12))
    await _vote_and_see(impatient, poll, 1)
    own_stores.mongo.pause()

    answers = await asyncio.gather(*[vote(impatient, poll, 0, token_hex(12)) for _ in range(80)])

    assert {one.status_code for one in answers} == {503}
    overloaded = [one for one in answers if one.json()["code"] == "overloaded"]
    assert overloaded
    assert all(int(one.headers["Retry-After"]) > 0 for one in overloaded)
    own_stores.mongo.resume()
    await until(impatient, status=200)
    assert (await vote(impatient, poll, 0, token_hex(12))).status_code == 201
