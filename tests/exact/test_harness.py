"""The tools of these proofs do what they say."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import pytest
import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeout

from tests.asgi import Request
from tests.conftest import bearer
from tests.exact.cutting import Moment, ask_and_hang_up
from tests.exact.framing import mongo_command
from tests.exact.pair import Pair, owner


async def test_a_held_message_lands_after_its_client_has_gone(pair: Pair) -> None:
    once = Retry(NoBackoff(), 0)
    client = aioredis.Redis(port=pair.a.redis.port, socket_timeout=0.3, retry=once)
    held, key = pair.a.redis.catch(b"SET", b"late landing"), f"{pair.keys.prefix}late"
    with pytest.raises(RedisTimeout):
        await client.set(key, "late landing")
    await client.aclose()
    assert await pair.redis.get(key) is None
    await held.landed()
    assert await pair.redis.get(key) == "late landing"


async def test_an_answer_can_be_held_back_alone(pair: Pair) -> None:
    poll, user = await pair.poll(), token_hex(12)
    held = pair.a.mongo.catch(mongo_command("insert", "vote"), answers=True)
    voting = asyncio.create_task(pair.a.vote(poll, 0, user))
    await held.caught()
    while await pair.stands(poll, user) is None:  # noqa: ASYNC110 - MongoDB has no event for it
        await asyncio.sleep(0.01)
    assert not voting.done()
    held.release()
    assert (await voting).status_code == 201


async def test_what_was_paused_is_carried_later_and_what_was_cut_is_not(pair: Pair) -> None:
    poll = await pair.poll()
    pair.a.mongo.pause()
    looking = asyncio.create_task(pair.a.act("GET", "poll-history", poll))
    await asyncio.sleep(0.2)
    assert not looking.done()
    pair.a.mongo.mend()
    assert (await looking).status_code == 200

    pair.a.mongo.cut()
    assert (await pair.a.act("GET", "poll-history", poll)).status_code == 503
    pair.a.mongo.mend()
    assert (await pair.b.act("GET", "poll-history", poll)).status_code == 200


@pytest.mark.parametrize("moment", ["early", "late"])
@pytest.mark.parametrize("name", ["close-poll", "like-poll"])
async def test_a_request_is_cut_at_each_of_its_waits(pair: Pair, name: str, moment: Moment) -> None:
    """Through the framework (``close-poll``) and through the lane (``like-poll``)."""
    poll = await pair.poll()
    request = Request("POST", f"/api/poll/{name}/{poll['id']}", bearer(owner))
    answers = [await ask_and_hang_up(pair.a.app, request, nth, moment) for nth in range(2)]
    assert answers == [None, None]
    whole = await ask_and_hang_up(pair.a.app, request, 1_000, moment)
    assert whole is not None
    assert whole.status == 200
