"""Two instances in this process, each with wires of its own to the same stores."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import redis.asyncio as aioredis
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from quart import Quart

from quickpoll.counting.keys import Keys
from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from tests.builders import create_poll, vote
from tests.conftest import bearer, environment, settings_from
from tests.exact.framing import mongo_messages, redis_commands
from tests.exact.wire import Wire
from tests.integration.realtime_harness import Live, Screen, running

Poll = dict[str, Any]
Document = dict[str, Any]

owner, stranger = "65f1c0ffee0000000000ac01", "65f1c0ffee0000000000ac02"

exact_seconds = 5.0
"""Within which everything agrees again: the contract's own figure."""


class Member:
    """One instance: its application, a client of it, and its wires."""

    def __init__(self, app: Quart, live: Live, http: httpx.AsyncClient, wires: Wires) -> None:
        self.app: Any = app.asgi_app
        self.live = live
        self.http = http
        self.mongo = wires.mongo
        self.redis = wires.redis

    async def look(self, poll: Poll, user: str = owner) -> Document:
        """The poll as a user sees it here: ``status`` is that of the answer where it is no 200."""
        path = f"/api/poll/get-poll-by-id/{poll['id']}"
        answer = await self.http.get(path, headers=bearer(user))
        view: Document = answer.json()
        return view

    async def vote(self, poll: Poll, place: int, user: str) -> httpx.Response:
        """Vote for an option."""
        return await vote(self.http, poll, place, user)

    async def act(
        self, method: str, name: str, poll: Poll, user: str = owner, body: Any = None
    ) -> httpx.Response:
        """A request about a poll: ``close-poll``, ``ballot``, ``like-poll`` …"""
        path = f"/api/poll/{name}/{poll['id']}"
        return await self.http.request(method, path, json=body, headers=bearer(user))

    async def screen(self, *polls: Poll, user: str = owner) -> Screen:
        """A Socket.IO client that follows these polls."""
        screen = await self.live.screen(user)
        await screen.subscribe(*(poll["id"] for poll in polls))
        return screen

    async def has_redis(self) -> None:
        """Wait until it says that Redis is there."""

        async def degraded() -> list[str]:
            said: list[str] = (await self.http.get("/health/ready")).json().get("degraded", [])
            return said

        await settles(degraded)

    def die(self) -> None:
        """As good as dead: nothing of it reaches a store any more."""
        self.mongo.cut()
        self.redis.cut()


class Wires:
    """The two wires of an instance."""

    def __init__(self, stores: StoreAddresses) -> None:
        mongo = urlsplit(stores.database_url)
        self.mongo = Wire(mongo.port or 27017, mongo_messages)
        self.redis = Wire(stores.redis_port, redis_commands)
        self._mongo_url = mongo

    def mend(self) -> None:
        """Let both carry everything again."""
        self.mongo.mend()
        self.redis.mend()

    def addresses(self) -> StoreAddresses:
        """Where an instance finds its stores at the end of these wires."""
        url = self._mongo_url._replace(netloc=f"127.0.0.1:{self.mongo.port}")
        return StoreAddresses(url.geturl(), "127.0.0.1", self.redis.port)


class Pair:
    """Two instances A and B, and what their stores hold."""

    def __init__(self, a: Member, b: Member, name: str, stores: StoreAddresses) -> None:
        self.a = a
        self.b = b
        self.keys = Keys(f"{name}:")
        client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(stores.database_url)
        self._client = client
        self.database = client[name]
        self.redis = aioredis.Redis(port=stores.redis_port, decode_responses=True)

    @property
    def both(self) -> tuple[Member, Member]:
        """The instances."""
        return self.a, self.b

    async def aclose(self) -> None:
        """Leave the stores."""
        self._client.close()
        await self.redis.aclose()

    async def poll(self, **fields: Any) -> Poll:
        """A new poll of the owner's, made on A and known to both."""
        poll = await create_poll(self.a.http, owner, **fields)
        for member in self.both:
            await member.look(poll)
        return poll

    async def truth(self, poll: Poll) -> tuple[dict[str, int], int]:
        """The counts of a poll by its documents in MongoDB, and the voters."""
        of_poll = {"pollId": ObjectId(poll["id"])}
        ballots = await self.database["vote"].find(of_poll).to_list()
        chosen = Counter(str(option) for one in ballots for option in one["optionIds"])
        likes = await self.database["like"].count_documents({**of_poll, "liked": True})
        counts = {"likes": likes, **{one["id"]: chosen[one["id"]] for one in poll["options"]}}
        return counts, sum(bool(one["optionIds"]) for one in ballots)

    async def stands(self, poll: Poll, user: str) -> list[str] | None:
        """The options of a user's ballot in MongoDB; ``None`` where there is no ballot."""
        query = {"pollId": ObjectId(poll["id"]), "userId": ObjectId(user)}
        found = await self.database["vote"].find_one(query)
        chosen = [str(option) for option in found["optionIds"]] if found else []
        return chosen or None

    async def quiet(self, poll: Poll) -> None:
        """Wait until nobody is about to look at the poll any more."""

        async def busy() -> list[str]:
            due = await self.redis.zscore(self.keys.due, poll["id"])
            return [] if due is None else [f"it is due at {due}"]

        await settles(busy, 30)

    async def differences(self, poll: Poll, *members: Member) -> list[str]:
        """Where instances (both, where none is named) or Redis differ from MongoDB now."""
        counts, voters = await self.truth(poll)
        wrong = []
        for member in members or self.both:
            view = await member.look(poll)
            if (view.get("counts"), view.get("votersCount")) != (counts, voters):
                wrong.append(f"{'AB'[member is self.b]} says {view}, not {counts}, {voters}")
        names = [self.keys.likes(poll["id"])]
        names += [self.keys.option(poll["id"], one["id"]) for one in poll["options"]]
        found = await self.redis.mget(names)
        wanted = [str(counts["likes"]), *(str(counts[one["id"]]) for one in poll["options"])]
        if found != wanted and len(members) != 1:
            wrong.append(f"Redis says {found}, not {wanted}")
        return wrong

    async def exact(self, poll: Poll, *members: Member) -> None:
        """Both instances and Redis say what MongoDB holds, in time."""
        await settles(lambda: self.differences(poll, *members))


async def settles(
    wrong: Callable[[], Awaitable[list[str]]], seconds: float = exact_seconds
) -> None:
    """Wait until nothing is wrong any more; what still is, after that time, fails the test."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while found := await wrong():
        assert loop.time() < until, found
        await asyncio.sleep(0.05)


def shifted(seconds: float) -> Callable[[], float]:
    """A clock that is so many seconds ahead of the others."""
    return lambda: time() + seconds


@asynccontextmanager
async def two_running(
    stores: StoreAddresses, name: str, *, ahead: tuple[float, float] = (0.0, 0.0), **more: str
) -> AsyncIterator[Pair]:
    """Two instances on the database and key prefix of one test; ``ahead`` are the seconds by
    which their clocks are."""
    async with AsyncExitStack() as stack:
        members = []
        for seconds in ahead:
            wires = Wires(stores)
            for wire in (wires.mongo, wires.redis):
                wire.start()
                stack.callback(wire.close)
            settings = settings_from(environment(wires.addresses(), name, **more))
            app = create_app(settings, clock=shifted(seconds))
            live = await stack.enter_async_context(running(settings, app=app))
            members.append(Member(app, live, await live.http(), wires))
            stack.callback(wires.mend)  # so that it may end as it should
        pair = Pair(members[0], members[1], name, stores)
        stack.push_async_callback(pair.aclose)
        yield pair
