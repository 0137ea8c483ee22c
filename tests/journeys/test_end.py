"""How a service ends: what it has begun it finishes, what comes later it does not take."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest
import socketio
from pymongo import MongoClient

from quickpoll.localrun.embedded import EmbeddedStores, StoreAddresses
from tests.builders import create_poll, option
from tests.conftest import bearer, environment, sign
from tests.instances import Instance


def ballots(stores: StoreAddresses, name: str) -> int:
    """How many ballots MongoDB holds."""
    with MongoClient[dict[str, Any]](stores.database_url) as client:
        return client[name]["vote"].count_documents({})


async def cast(client: httpx.AsyncClient, path: str) -> int | str:
    """The status of a vote, or how its connection failed."""
    try:
        return (await client.post(path, headers=bearer())).status_code
    except httpx.TransportError as error:
        return type(error).__name__


def twice(pid: int, number: int) -> None:
    """What a process gets whose group gets a signal, and whose parent hands on its own."""
    os.killpg(pid, number)
    os.kill(pid, number)


@pytest.mark.parametrize("whom", [os.kill, os.killpg, twice], ids=["process", "group", "twice"])
async def test_requests_in_hand_are_answered_and_later_ones_refused(
    stores: StoreAddresses, name: str, whom: Callable[[int, int], None]
) -> None:
    instance = Instance(environment(stores, name)).start()
    try:
        limits = httpx.Limits(max_connections=None)
        async with (
            httpx.AsyncClient(base_url=instance.url, timeout=20, limits=limits) as client,
            socketio.AsyncSimpleClient() as screen,
        ):
            await screen.connect(instance.url, socketio_path="/ws/updates", auth={"token": sign()})
            poll = await create_poll(client, token_hex(12))
            path = f"/api/poll/vote-on-poll/{poll['id']}/{option(poll, 0)}"
            votes = [asyncio.create_task(cast(client, path)) for _ in range(200)]
            await asyncio.wait(votes, return_when=asyncio.FIRST_COMPLETED)
            whom(instance.pid, signal.SIGTERM)
            outcomes = Counter(await asyncio.gather(*votes))
        assert await asyncio.to_thread(instance.process.wait, 15) == 0
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", instance.port)
    finally:
        instance.close()
    assert outcomes[201] == ballots(stores, name)
    assert set(outcomes) <= {201, "ConnectError"}, outcomes


@pytest.fixture
def own_stores(tmp_path: Path) -> Iterator[EmbeddedStores]:
    """Stores that this test may harm."""
    stores = EmbeddedStores(tmp_path)
    with stores:
        yield stores


async def test_a_database_that_hangs_does_not_hold_it_up(
    own_stores: EmbeddedStores, name: str
) -> None:
    instance = Instance(environment(own_stores.addresses, name)).start()
    try:
        async with httpx.AsyncClient(base_url=instance.url, timeout=20) as client:
            poll = await create_poll(client, token_hex(12))
            path = f"/api/poll/vote-on-poll/{poll['id']}/{option(poll, 0)}"
            own_stores.mongo.pause()
            votes = [asyncio.create_task(cast(client, path)) for _ in range(20)]
            await asyncio.wait(votes, timeout=0.2)
            instance.process.terminate()
            outcomes = set(await asyncio.gather(*votes))
        await asyncio.to_thread(instance.process.wait, 15)
    finally:
        own_stores.mongo.resume()
        instance.close()
    assert 503 in outcomes
    assert outcomes <= {503, "ConnectError"}  # the latter came too late
