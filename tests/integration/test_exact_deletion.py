"""A poll is deleted while everybody votes."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import httpx
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll, vote
from tests.conftest import bearer, served


async def test_nothing_is_left_of_a_poll_that_was_deleted_in_mid_storm(
    client: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    owner = token_hex(12)
    async with served(create_app(settings)) as second:
        poll = await create_poll(client, owner)
        like, enough = f"/api/poll/like-poll/{poll['id']}", asyncio.Event()
        written = 0

        async def act(instance: httpx.AsyncClient, step: int) -> httpx.Response:
            user = token_hex(12)
            if step % 3:
                return await vote(instance, poll, step % 3, user)
            return await instance.put(like, headers=bearer(user))

        async def until_gone(instance: httpx.AsyncClient) -> httpx.Response:
            nonlocal written
            step = 0
            while (answer := await act(instance, step)).is_success:
                step += 1
                written += 1
                if written > 60:
                    enough.set()
            return answer

        async def delete() -> int:
            await enough.wait()
            path = f"/api/poll/delete-poll/{poll['id']}"
            return (await client.delete(path, headers=bearer(owner))).status_code

        crowd = [until_gone(one) for one in (client, second) for _ in range(8)]
        deleted, last = await asyncio.gather(delete(), asyncio.gather(*crowd))

    assert deleted == 204
    assert {one.json()["code"] for one in last} == {"poll_not_found"}
    database = services.mongo[settings.database_name]
    for collection in ("vote", "like", "poll_change"):
        query = {"pollId": ObjectId(poll["id"])}
        assert await database[collection].count_documents(query) == 0
    names = [name async for name in services.redis.client.scan_iter(f"*{poll['id']}*")]
    assert names == []
