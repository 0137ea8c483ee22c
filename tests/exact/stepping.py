"""Two instances in which nothing runs by itself: a test takes each step of the protocol by hand.

So it can stand between any two of them (between a write and its apply, a count and its place)
without a trap, a wait or a guess. The stores are the real ones, and so is every step.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from secrets import token_hex
from time import monotonic
from typing import Any

import orjson
import redis.asyncio as aioredis
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from redis.asyncio.client import PubSub

from quickpoll.composition import Services
from quickpoll.counting.counters import Counters, Writing
from quickpoll.counting.keys import Keys
from quickpoll.counting.tally import Delta, Mark, MarkKind, Tally
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.polls.models import Option, Poll
from quickpoll.repair.reconcile import Reconciler
from quickpoll.repair.restored import RestoreWatch
from tests.conftest import environment, settings_from
from tests.exact.pair import Document, Wires, owner


class Stepped(Services):
    """The parts of an instance, and its wires. None of its loops runs."""

    def __init__(self, stores: StoreAddresses, name: str, **more: str) -> None:
        self.wires = Wires(stores)
        for wire in (self.wires.mongo, self.wires.redis):
            wire.start()
        super().__init__(settings_from(environment(self.wires.addresses(), name, **more)))

    async def begin(self, poll: Poll, kind: MarkKind = MarkKind.VOTES, *users: str) -> Writing:
        """Mark a batch, by what the notes say at this moment."""
        await self.uncounted.look()
        mark = Mark(kind, () if kind is MarkKind.CHANGE else users or (token_hex(12),))
        return await self.counters.begin({str(poll.id): mark}, pass_barriers=True)

    async def trusted(self, poll: Poll) -> Tally | None:
        """The counts that it takes from Redis, by what the notes say at this moment."""
        await self.uncounted.look()
        return (await self.counters.read([str(poll.id)]))[str(poll.id)]

    def reconciler_by(
        self, counters: Counters, clock: Callable[[], float] = monotonic
    ) -> Reconciler:
        """A reconciler of this instance that goes by these counts and that clock."""
        restored = RestoreWatch(self.mongo[self.settings.database_name], counters)
        parts = self.census, self.fences, self.rebuilder, restored, self.polls.recent
        return Reconciler("another", counters, *parts, clock=clock)

    async def has_redis_again(self) -> None:
        """Mend the wire, and wait until Redis is found."""
        self.wires.redis.mend()
        while not await self.redis.recover():  # noqa: ASYNC110 - the link has no event for it
            await asyncio.sleep(0.05)


class Steps:
    """The two instances, and what their stores hold."""

    def __init__(self, a: Stepped, b: Stepped, name: str, stores: StoreAddresses) -> None:
        self.a = a
        self.b = b
        self.keys = Keys(f"{name}:")
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            stores.database_url, tz_aware=True
        )
        self.database = self._client[name]
        self.redis = aioredis.Redis(port=stores.redis_port, decode_responses=True)

    async def aclose(self) -> None:
        """Leave the stores."""
        self._client.close()
        await self.redis.aclose()

    async def poll(self, **fields: Any) -> Poll:
        """A new poll of the owner's with three options, made on A: its counts are trusted."""
        made: dict[str, Any] = {
            "question": "Which colour?",
            "folded": "which colour?",
            "user_id": ObjectId(owner),
            "created_at": datetime.now(UTC),
            "options": [Option(text=text) for text in ("red", "green", "blue")],
        }
        return (await self.a.creation.store(Poll(**{**made, **fields}))).poll

    async def write_ballot(self, poll: Poll, place: int = 0, user: str = "") -> Delta:
        """What a batch writes for one voter; answers what that adds to the counts."""
        moment, option = datetime.now(UTC), poll.options[place].id
        ballot = {
            "userId": ObjectId(user or token_hex(12)),
            "pollId": poll.id,
            "optionIds": [option],
            "createdAt": moment,
            "castAt": moment,
            "revision": 0,
        }
        await self.database["vote"].insert_one(ballot)
        return Delta(Counter({str(option): 1}), voters=1)

    async def ballot(self, poll: Poll, user: str) -> Document | None:
        """The document of a user's ballot, empty ones too."""
        return await self.database["vote"].find_one({"pollId": poll.id, "userId": ObjectId(user)})

    async def stored(self, poll: Poll) -> Document:
        """The poll's document."""
        found = await self.database["poll"].find_one({"_id": poll.id})
        assert found is not None
        return found

    async def state(self, poll: Poll) -> Document:
        """The poll's state in Redis."""
        raw = await self.redis.get(self.keys.state(str(poll.id)))
        assert raw is not None
        state: Document = orjson.loads(raw)
        return state

    async def set_state(self, poll: Poll, **fields: Any) -> None:
        """Change fields of the state."""
        state = {**await self.state(poll), **fields}
        await self.redis.set(self.keys.state(str(poll.id)), orjson.dumps(state))

    async def marks(self, poll: Poll) -> dict[str, str]:
        """The poll's marks, by token."""
        found = await self.redis.hgetall(self.keys.writes(str(poll.id)))
        return {str(token): str(mark) for token, mark in found.items()}

    async def dead_batch(self, poll: Poll, mark: Mark) -> None:
        """A mark that is past its deadline: its instance has died."""
        await self.redis.hset(self.keys.writes(str(poll.id)), token_hex(8), f"1 {mark.text}")

    async def empty_redis(self) -> None:
        """Redis forgets all of this test, as by ``FLUSHALL``."""
        names = [name async for name in self.redis.scan_iter(f"{self.keys.prefix}*")]
        if names:
            await self.redis.delete(*names)


async def heard(channel: PubSub, number: int) -> list[Document]:
    """So many messages of a channel of Redis, waited for."""
    found: list[Document] = []
    async with asyncio.timeout(5):
        while len(found) < number:
            one = await channel.get_message(timeout=5.0)
            found += [one] if one is not None and one["type"] == "message" else []
    return found


@asynccontextmanager
async def stepping(stores: StoreAddresses, name: str, **more: str) -> AsyncIterator[Steps]:
    """Open two instances on the database and key prefix of one test, and start no loop."""
    async with AsyncExitStack() as stack:
        both = []
        for _ in range(2):
            one = Stepped(stores, name, **more)
            stack.callback(one.wires.mongo.close)
            stack.callback(one.wires.redis.close)
            stack.callback(one.mongo.close)
            stack.push_async_callback(one.redis.aclose)
            for part in (one.counters, one.tallies, one.marks):
                part.start()
                stack.push_async_callback(part.aclose)
            for batcher in (one.casting.batcher, one.liking.batcher):
                batcher.start()
                stack.push_async_callback(batcher.aclose)
            stack.push_async_callback(one.log_room.rounds.aclose)
            stack.push_async_callback(one.path.aclose)
            stack.push_async_callback(one.rebuilder.aclose)
            stack.callback(one.wires.mend)
            await one.redis.start()
            both.append(one)
        await both[0].schema.create()
        both[1].schema.ready = True
        steps = Steps(both[0], both[1], name, stores)
        stack.push_async_callback(steps.aclose)
        yield steps
