"""Instances and both stores are killed while polls are made, voted on and closed; a receiver that
fails, too, has everything in the end: at least once, in order, the final counts last."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from quickpoll.localrun.embedded import EmbeddedStores
from tests.builders import create_poll, look, vote
from tests.conftest import Instance, bearer, environment
from tests.webhooks.conftest import switched_on
from tests.webhooks.receiver import Message, Receiver

owner = "65f1c0ffee0000000000ab01"
events = ["poll.created", "poll.closed", "poll.reopened", "poll.results"]
polls_at_once = 6
seconds_of_storm = 9.0


@pytest.fixture
def own_stores(tmp_path: Path) -> Iterator[EmbeddedStores]:
    """Stores that a test may harm."""
    stores = EmbeddedStores(tmp_path)
    stores.start()
    yield stores
    stores.stop()


@pytest.fixture
def pair(own_stores: EmbeddedStores) -> Iterator[list[Instance]]:
    """Two instances on these stores."""
    variables = environment(own_stores.addresses, "webhooks", **switched_on)
    both = [Instance(variables), Instance(variables)]
    for one in both:
        one.start()
    yield both
    for one in both:
        one.close()


class FailsOnce:
    """A receiver that refuses some messages the first time."""

    def __init__(self) -> None:
        self._random = random.Random(7)
        self._seen: set[str] = set()

    async def __call__(self, _: Receiver, message: Message) -> int:
        new = message.id not in self._seen
        self._seen.add(message.id)
        return 500 if new and self._random.random() < 0.3 else 204


class Crowd:
    """Makes polls, votes on them and closes them, and remembers what was acknowledged."""

    def __init__(self, urls: list[str]) -> None:
        self.clients = [httpx.AsyncClient(base_url=url, timeout=5) for url in urls]
        self.created: dict[str, dict[str, Any]] = {}
        self.closed: set[str] = set()
        self.over = False

    async def aclose(self) -> None:
        """Leave."""
        for client in self.clients:
            await client.aclose()

    @property
    def client(self) -> httpx.AsyncClient:
        """Either instance."""
        return random.choice(self.clients)

    async def act(self, name: str, poll: dict[str, Any]) -> bool:
        """Do something to a poll until it is acknowledged; answers whether it was."""
        while not self.over:
            try:
                path = f"/api/poll/{name}/{poll['id']}"
                answer = await self.client.post(path, headers=bearer(owner))
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.is_success:
                return True
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.1)
        return False

    async def live(self) -> None:
        """One poll after the other."""
        while not self.over:
            try:
                poll = await create_poll(self.client, owner)
            except (httpx.TransportError, AssertionError):
                await asyncio.sleep(0.1)
                continue
            self.created[poll["id"]] = poll
            await self._vote(poll)
            if await self.act("close-poll", poll):
                self.closed.add(poll["id"])

    async def _vote(self, poll: dict[str, Any]) -> None:
        async def one() -> None:
            try:
                await vote(self.client, poll, random.randrange(3), token_hex(12))
            except httpx.TransportError:
                return  # perhaps counted, perhaps not

        await asyncio.gather(*(one() for _ in range(10)))


@pytest.fixture
async def crowd(pair: list[Instance]) -> AsyncIterator[Crowd]:
    """Whoever uses both instances."""
    crowd = Crowd([one.url for one in pair])
    yield crowd
    await crowd.aclose()


async def harm(pair: list[Instance], stores: EmbeddedStores) -> None:
    """Kill everything once, one after the other."""
    pause = seconds_of_storm / 6
    for one in pair:
        await asyncio.sleep(pause)
        one.kill()
        await asyncio.sleep(pause / 2)
        await asyncio.to_thread(one.start)
    for store in (stores.mongo, stores.redis):
        await asyncio.sleep(pause / 2)
        store.kill()
        await asyncio.sleep(pause / 2)
        await asyncio.to_thread(store.start)


async def test_nothing_is_lost_and_nothing_out_of_order(
    pair: list[Instance], own_stores: EmbeddedStores, crowd: Crowd
) -> None:
    async with Receiver(FailsOnce()) as receiver:
        asked = {"url": receiver.url, "events": events}
        path = "/api/webhook/create-webhook"
        made = await crowd.client.post(path, json=asked, headers=bearer(owner))
        assert made.status_code == 201
        users = [asyncio.create_task(crowd.live()) for _ in range(polls_at_once)]
        await harm(pair, own_stores)
        await asyncio.sleep(1)
        crowd.over = True
        await asyncio.gather(*users)
        async with asyncio.timeout(60):
            while missing(receiver, crowd):  # noqa: ASYNC110 - it waits for processes
                await asyncio.sleep(0.2)
        assert len(crowd.closed) > polls_at_once
        await check(receiver, crowd)


def by_poll(receiver: Receiver) -> dict[str, list[Message]]:
    """The messages of each poll, each the first time that it was taken."""
    found: defaultdict[str, dict[str, Message]] = defaultdict(dict)
    for message in receiver.messages:
        data = message.body["data"]
        before = found[data.get("id") or data["pollId"]].setdefault(message.id, message)
        assert before.raw == message.raw
    return {poll_id: list(messages.values()) for poll_id, messages in found.items()}


def missing(receiver: Receiver, crowd: Crowd) -> set[str]:
    """Polls of which not everything has come that was acknowledged."""
    found = by_poll(receiver)
    no_creation = {
        i for i in crowd.created if "poll.created" not in [one.type for one in found.get(i, [])]
    }
    no_end = {
        i
        for i in crowd.closed
        if not any(one.body["data"].get("final") for one in found.get(i, []))
    }
    return no_creation | no_end


async def check(receiver: Receiver, crowd: Crowd) -> None:
    """Everything is in its order, and the final counts are what is read."""
    for poll_id, messages in by_poll(receiver).items():
        numbers = [int(one.id.rpartition("_")[2]) for one in messages]
        assert numbers == sorted(numbers), poll_id
        versions = [one.body["data"]["version"] for one in messages if one.type == "poll.results"]
        assert versions == sorted(versions)
        if poll_id in crowd.closed:
            kinds = [one.type for one in messages]
            assert kinds[0] == "poll.created"
            assert kinds[-2:] == ["poll.closed", "poll.results"]
            view = await look(crowd.client, {"id": poll_id}, owner)
            last = messages[-1].body["data"]
            assert last["final"] is True
            assert (last["counts"], last["votersCount"]) == (view["counts"], view["votersCount"])
