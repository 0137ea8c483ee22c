"""Instances and both stores are killed while 200 votes and 20 closes a second go on; a receiver
that fails at random has everything in the end: at least once, in order, the last state among it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from quickpoll.localrun.embedded import EmbeddedMongo, EmbeddedRedis, EmbeddedStores
from tests.conftest import environment
from tests.instances import Instance
from tests.journeys.lives import Life, Lives
from tests.journeys.moody import Moody, data_of, moods
from tests.webhooks.conftest import switched_on
from tests.webhooks.receiver import Message, Receiver
from tests.webhooks.test_events import every_event

pause_between_results = 5.0


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


@pytest.fixture
async def lives(pair: list[Instance]) -> AsyncIterator[Lives]:
    """Polls, and whoever uses both instances for them."""
    async with Lives([one.url for one in pair], seed=7) as lives:
        yield lives


class Harm:
    """What is killed, and comes back."""

    def __init__(self, pair: list[Instance], stores: EmbeddedStores) -> None:
        self.pair, self.stores = pair, stores

    async def first(self) -> None:
        """Kill one instance."""
        await self._restart(self.pair[0])

    async def second(self) -> None:
        """Kill the other one."""
        await self._restart(self.pair[1])

    async def mongo(self) -> None:
        """Kill MongoDB."""
        await self._restart(self.stores.mongo)

    async def redis(self) -> None:
        """Kill Redis, with all that it held."""
        await self._restart(self.stores.redis)

    async def instances(self) -> None:
        """Kill both instances at once."""
        for one in self.pair:
            one.kill()
        await asyncio.gather(*(asyncio.to_thread(one.start) for one in self.pair))

    async def everything(self) -> None:
        """Kill all of it at once."""
        self.stores.mongo.kill()
        self.stores.redis.kill()
        for one in self.pair:
            one.kill()
        await asyncio.to_thread(self.stores.start)
        await asyncio.gather(*(asyncio.to_thread(one.start) for one in self.pair))

    async def each(self, pause: float) -> None:
        """Kill each of them once, with pauses between."""
        for step in (self.first, self.mongo, self.second, self.redis):
            await asyncio.sleep(pause)
            await step()

    async def at_random(self, seed: int, seconds: float) -> None:
        """Go on for so long."""
        chance, until = random.Random(seed), time.monotonic() + seconds
        kinds = (self.first, self.second, self.mongo, self.redis, self.instances, self.everything)
        while time.monotonic() < until:
            await asyncio.sleep(chance.uniform(0.5, 3))
            await chance.choice(kinds)()

    async def _restart(self, one: Instance | EmbeddedMongo | EmbeddedRedis) -> None:
        one.kill()
        await asyncio.sleep(0.3)
        await asyncio.to_thread(one.start)


async def listen(lives: Lives, moody: Moody, receiver: Receiver) -> None:
    """Set a webhook up."""
    asked = {"url": receiver.url, "events": every_event}
    _, made = await lives.ask("POST", "/api/webhook/create-webhook", json=asked)
    moody.secret = made["secret"]


@pytest.mark.timeout(240)  # on a machine that does other things, too
async def test_nothing_is_lost_and_nothing_out_of_order(
    pair: list[Instance], own_stores: EmbeddedStores, lives: Lives
) -> None:
    harm = Harm(pair, own_stores)
    moody = Moody(seed=3, hangs_at={40})
    async with Receiver(moody) as receiver:
        await listen(lives, moody, receiver)
        async with asyncio.TaskGroup() as together:
            together.create_task(lives.go_on(4))
            together.create_task(harm.each(0.5))
        await lives.look()
        await until_told(lives, moody, 120)
    check(lives, moody)
    assert set(moody.moods) == {*moods, "hangs"}


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_nothing_is_lost_while_everything_is_killed_again_and_again(
    pair: list[Instance], own_stores: EmbeddedStores, lives: Lives
) -> None:
    harm = Harm(pair, own_stores)
    all_of_them = [Moody(seed=5, hangs_at=range(100, 900, 100)), Moody(seed=6, well=True)]
    async with AsyncExitStack() as stack:
        for moody in all_of_them:
            await listen(lives, moody, await stack.enter_async_context(Receiver(moody)))
        async with asyncio.TaskGroup() as together:
            together.create_task(lives.go_on(30))
            together.create_task(harm.at_random(11, 30))
        await lives.look()
        for moody in all_of_them:
            await until_told(lives, moody, 600)
    for moody in all_of_them:
        check(lives, moody)


async def until_told(lives: Lives, moody: Moody, seconds: float) -> None:
    """Wait until everything has come."""
    until = time.monotonic() + seconds
    while lacking := what_lacks(lives, moody):
        assert time.monotonic() < until, (len(lacking), lacking[:5])
        await asyncio.sleep(0.2)


def what_lacks(lives: Lives, moody: Moody) -> list[str]:
    """What has not come."""
    found = [lack(life, moody) for life in lives.lives]
    told = len(moody.taken[lives.session[0]["id"]])
    if told < len(lives.session):
        found.append(f"{told} of {len(lives.session)} changes of the session")
    return [one for one in found if one is not None]


def lack(life: Life, moody: Moody) -> str | None:
    """What of a life has not come."""
    messages = moody.taken[life.poll["id"]]
    told = [one.type for one in messages if one.type != "poll.results"]
    if len(told) < len(life.events):
        return f"{life.poll['id']}: {told} of {life.events}"
    if life.gone:
        return None
    results = data_of(messages, "poll.results")
    if not results or results[-1]["counts"] != life.view["counts"]:
        return f"{life.poll['id']}: {results[-1:]} and not {life.view}"
    if results[-1]["final"] != (life.view["status"] == "closed"):
        return f"{life.poll['id']}: not final"
    return None


def check(lives: Lives, moody: Moody) -> None:
    """Everything is as it was, in its order, and the last state is what is read."""
    assert moody.wrong == []
    of_session = [one.body["data"] for one in moody.taken[lives.session[0]["id"]]]
    assert of_session == lives.session
    for life in lives.lives:
        messages = moody.taken[life.poll["id"]]
        numbers = [int(one.id.rpartition("_")[2]) for one in messages]
        assert numbers == sorted(numbers)
        told = [one.type for one in messages if one.type != "poll.results"]
        assert told == life.events
        check_results(life, messages)


def check_results(life: Life, messages: list[Message]) -> None:
    """Counts never go back, come no more often than they may, and end with the last ones."""
    told = [one.body for one in messages if one.type == "poll.results"]
    versions = [one["data"]["version"] for one in told]
    assert versions == sorted(versions)
    moments = [datetime.fromisoformat(one["timestamp"]) for one in told]
    for earlier, later in pairwise(moments):
        assert (later - earlier).total_seconds() > pause_between_results - 0.01
    if life.gone:
        assert messages[-1].type == "poll.deleted"
        return
    last = told[-1]["data"]
    assert last["votersCount"] == life.view["votersCount"] >= life.voters
    if life.view["status"] == "closed":
        assert messages[-1].type == "poll.results"
        assert last["final"] is True
