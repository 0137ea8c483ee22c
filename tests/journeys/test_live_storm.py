"""A crowd that arrives within a second, and comes back at once after a restart."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from secrets import token_hex
from typing import Any

import httpx
import websockets

from tests.builders import create_poll, option
from tests.conftest import bearer, sign
from tests.instances import Instance
from tests.integration.realtime_harness import Screen

crowd = 250


async def arrive(port: int, poll_id: str) -> Screen:
    """One of the crowd: connects some time within a second, and follows the poll."""
    await asyncio.sleep(random.random())
    address = f"ws://127.0.0.1:{port}/ws/updates/?EIO=4&transport=websocket"
    socket = await websockets.connect(address, compression=None, max_queue=None, open_timeout=20)
    screen = Screen(socket)
    await screen.join({"token": sign()})
    assert (await screen.subscribe(poll_id))["unknown"] == []
    return screen


class Voters:
    """People who vote one after the other until told to stop, over instances in turn."""

    def __init__(self, poll: dict[str, Any], *clients: httpx.AsyncClient) -> None:
        self.path = f"/api/poll/vote-on-poll/{poll['id']}/{option(poll, 0)}"
        self.clients = list(clients)
        self.cast = 0
        self.failed: list[str] = []
        self._enough = False
        self._voting = [asyncio.create_task(self._vote()) for _ in range(4)]

    async def _vote(self) -> None:
        while not self._enough:
            client = self.clients[self.cast % len(self.clients)]
            self.cast += 1
            answer = await client.post(self.path, headers=bearer(token_hex(12)))
            if answer.status_code != 201:
                self.failed.append(answer.text)

    async def stop(self) -> None:
        """Let nobody begin any more, and wait for those who are voting."""
        self._enough = True
        await asyncio.gather(*self._voting)


async def test_a_crowd_comes_and_comes_back_and_every_vote_is_taken(
    start_instance: Callable[..., Instance], http: Callable[[str], httpx.AsyncClient]
) -> None:
    here, there = start_instance(), start_instance()
    poll = await create_poll(http(there.url), token_hex(12))
    voters = Voters(poll, http(there.url), http(here.url))

    screens = await asyncio.gather(*[arrive(here.port, poll["id"]) for _ in range(crowd)])
    voters.clients.pop()  # nobody votes where nobody is; votes in hand are still answered
    assert await asyncio.to_thread(here.stop) == 0
    await asyncio.gather(*[asyncio.wait_for(screen.ended.wait(), 10) for screen in screens])
    await asyncio.to_thread(here.start)
    again = await asyncio.gather(*[arrive(here.port, poll["id"]) for _ in range(crowd)])
    await voters.stop()

    assert voters.failed == []
    seen = (await again[0].subscribe(poll["id"]))["polls"][0]
    assert seen["votersCount"] == voters.cast
    last = http(there.url)
    await last.post(voters.path, headers=bearer(token_hex(12)))
    for screen in again:
        await screen.until("vote-update", votersCount=seen["votersCount"] + 1)
        versions = [one["version"] for one in screen.heard_of(poll["id"])]
        assert versions == sorted(set(versions))
        await screen.close()
