"""What a person leaves behind: something in every collection; and whether any of it is left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import bson
import httpx
import redis.asyncio as aioredis
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient

from quickpoll.composition import Services
from quickpoll.localrun.embedded import StoreAddresses
from tests.builders import create_poll, vote
from tests.conftest import bearer

Poll = dict[str, Any]

patience = 20.0
"""Seconds after which a test gives up: far longer than anything takes."""


@dataclass
class Life:
    """What one person has done, by name."""

    user: str
    others: str
    open_poll: Poll
    closed_poll: Poll
    alone: Poll
    shared: Poll
    changed: Poll


async def act(
    client: httpx.AsyncClient, method: str, name: str, poll: Poll, user: str, **claims: Any
) -> httpx.Response:
    """A request about a poll that works."""
    path = f"/api/poll/{name}/{poll['id']}"
    body = {"visibility": "unlisted"} if method == "PATCH" else None
    answer = await client.request(method, path, json=body, headers=bearer(user, **claims))
    assert answer.is_success, answer.text
    return answer


async def live(client: httpx.AsyncClient, user: str, others: str) -> Life:
    """Let a person do everything that leaves something of them, among others' doings."""
    names = ("open", "closed", "alone", "shared", "changed")
    owners = (others, others, user, user, others)
    made = [
        await create_poll(client, owner, question=f"{name}?")
        for name, owner in zip(names, owners, strict=True)
    ]
    life = Life(user, others, *made)
    for poll in (life.open_poll, life.closed_poll, life.alone):
        assert (await vote(client, poll, 0, user)).status_code == 201
        await act(client, "PUT", "like-poll", poll, user)
    for poll in (life.open_poll, life.closed_poll, life.shared):
        assert (await vote(client, poll, 1, others)).status_code == 201
        await act(client, "PUT", "like-poll", poll, others)
    await act(client, "POST", "close-poll", life.closed_poll, others)
    for admin_of in (life.changed, life.open_poll):
        await act(client, "PATCH", "update-poll", admin_of, user, roles=["admin"])
    await act(client, "PATCH", "update-poll", life.shared, user)
    # A row of the person's that is not the last one any more.
    await act(client, "POST", "close-poll", life.changed, others)
    keyed = {**bearer(user), "Idempotency-Key": "k"}
    body = {"question": "keyed?", "options": [{"text": "a"}, {"text": "b"}]}
    answer = await client.post("/api/poll/create-poll", json=body, headers=keyed)
    assert answer.status_code == 201
    return life


async def leave_more(client: httpx.AsyncClient, places: Places, user: str) -> None:
    """A session, and what a guest and the owner of a webhook leave, as their rooms keep it."""
    answer = await client.post(
        "/api/session/create-session", json={"title": "Evening"}, headers=bearer(user)
    )
    assert answer.status_code == 201, answer.text
    person, now, database = ObjectId(user), datetime.now(UTC), places.database
    await database["invite"].insert_one(
        {"_id": person, "topicId": ObjectId(), "used": True, "createdAt": now}
    )
    webhook = {"url": "https://x.example", "events": [], "secret": "whsec_x", "status": "active"}
    await database["webhook"].insert_one(
        {**webhook, "userId": person, "slot": 1, "admin": False, "pollId": None, "since": now}
    )
    told = {"topic": ObjectId(), "at": now}
    await database["webhook_delivery"].insert_one({**told, "_id": "x", "ownerId": person})
    await database["webhook_intent"].insert_one({**told, "stash": {"owner": person}})


async def ask_to_erase(client: httpx.AsyncClient, user: str) -> str:
    """The id of the person's erasure."""
    answer = await client.post(f"/api/user/erase-user/{user}", headers=bearer(user))
    assert answer.status_code == 202, answer.text
    job: str = answer.json()["jobId"]
    return job


async def status(client: httpx.AsyncClient, job: str, user: str) -> str:
    """How far an erasure is."""
    answer = await client.get(f"/api/user/erasure/{job}", headers=bearer(user))
    assert answer.status_code == 200, answer.text
    said: str = answer.json()["status"]
    return said


async def erased(client: httpx.AsyncClient, services: Services, user: str) -> str:
    """Erase a person, and wait until it is done; answers the job."""
    job = await ask_to_erase(client, user)
    async with asyncio.timeout(patience):
        while await status(client, job, user) != "done":
            await services.people.erasures.round()
            await asyncio.sleep(0.02)
    return job


class Places:
    """Everywhere where an id may stand: all collections of a database, all keys of a prefix."""

    def __init__(self, stores: StoreAddresses, name: str) -> None:
        self._client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
            stores.database_url, tz_aware=True
        )
        self.database = self._client[name]
        self.redis = aioredis.Redis(host=stores.redis_host, port=stores.redis_port)
        self._prefix = f"{name}:"

    async def aclose(self) -> None:
        """Leave the stores."""
        self._client.close()
        await self.redis.aclose()

    async def naming(self, user: str) -> list[str]:
        """Where the id of a person stands, in hexadecimal or binary."""
        spellings = (user.encode(), user.upper().encode(), ObjectId(user).binary)
        found = []
        for name in await self.database.list_collection_names():
            async for document in self.database[name].find():
                written = bson.encode(document)
                if any(one in written for one in spellings):
                    found.append(f"{name}: {document}")
        async for key in self.redis.scan_iter(f"{self._prefix}*"):
            content = await self.redis.dump(key) or b""
            value = await self._value(key)
            if any(one in key + content + value for one in spellings):
                found.append(f"{key!r}: {value!r}")
        return found

    async def _value(self, key: bytes) -> bytes:
        """What a key holds, as text: a dump is compressed."""
        reads: dict[bytes, Any] = {
            b"string": lambda: self.redis.get(key),
            b"hash": lambda: self.redis.hgetall(key),
            b"zset": lambda: self.redis.zrange(key, 0, -1),
        }
        kind = await self.redis.type(key)
        return repr(await reads[kind]()).encode() if kind in reads else b""

    async def collections(self) -> set[str]:
        """The collections that there are."""
        return set(await self.database.list_collection_names())
