"""Polls in memory, and what becomes of them while somebody waits for MongoDB."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import httpx

from quickpoll.composition import Services
from tests.builders import create_poll


async def test_a_poll_that_is_forgotten_meanwhile_is_there_all_the_same(
    client: httpx.AsyncClient, services: Services
) -> None:
    known = await create_poll(client, token_hex(12))
    other = await create_poll(client, token_hex(12))
    await services.polls.fresh(known["id"])
    wanted = {known["id"]: 1, other["id"]: 0}

    reading = asyncio.create_task(services.polls.current(wanted))
    await asyncio.sleep(0)
    services.polls.forget_all()

    assert (await reading).keys() == wanted.keys()
