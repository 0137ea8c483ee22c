"""What comes after an erasure is looked for by itself, without anybody's asking."""

from __future__ import annotations

import asyncio
from datetime import datetime
from secrets import token_hex

import httpx

from quickpoll.composition import Services
from tests.people.life import Places, erased, patience


async def test_who_was_erased_is_looked_after_by_itself(
    client: httpx.AsyncClient, services: Services, places: Places
) -> None:
    await erased(client, services, token_hex(12))
    erasures = places.database["erasure"]
    await erasures.update_one({}, {"$set": {"sweepAt": datetime(2020, 1, 1)}})
    async with asyncio.timeout(patience):
        while not await erasures.find_one({"sweeps": 1}):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
