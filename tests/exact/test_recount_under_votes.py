"""A recount comes to its end while votes keep coming, though they come faster than it counts."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import pytest

from quickpoll.repair import rebuild
from tests.exact.pair import Pair, Poll, settles
from tests.exact.stepping import Steps


async def vote_on(pair: Pair, poll: Poll, over: asyncio.Event) -> int:
    """One ballot after the other, on both instances, until it is over; answers how many."""
    number = 0
    while not over.is_set():
        member = pair.both[number % 2]
        answer = await member.vote(poll, number % 3, token_hex(12))
        assert answer.status_code == 201, answer.text
        number += 1
    return number


@pytest.mark.parametrize("seconds", [0.005, 0.02])
async def test_it_ends_while_votes_keep_coming(pair: Pair, seconds: float) -> None:
    """Each message from and to MongoDB takes so much longer; ten people vote without a pause."""
    poll = await pair.poll()
    over = asyncio.Event()
    crowd = [asyncio.create_task(vote_on(pair, poll, over)) for _ in range(10)]

    async def not_trusted() -> list[str]:
        state = await pair.redis.get(pair.keys.state(poll["id"]))
        return [] if state and '"missing":0' in state else ["the counts are not trusted"]

    try:
        await settles(not_trusted)
        for member in pair.both:
            member.mongo.delay(seconds)
        await pair.redis.delete(pair.keys.state(poll["id"]))
        await asyncio.sleep(0.2)
        await settles(not_trusted)
    finally:
        over.set()
        for member in pair.both:
            member.mongo.mend()
        cast = await asyncio.gather(*crowd)
    _, voters = await pair.truth(poll)
    assert voters == sum(cast)


async def test_a_count_that_was_overtaken_pauses_as_long_as_it_took(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or counting would hold writers off all the time, and be all that MongoDB does."""
    now, paused, sleep = 0.0, list[float](), asyncio.sleep

    async def overtaken_once(poll_id: str) -> int:
        nonlocal now
        now += 7.0
        return rebuild.AGAIN if now == 7.0 else 0

    async def pause(seconds: float) -> None:
        if seconds >= 7.0:
            paused.append(seconds)
            seconds = 0
        await sleep(seconds)

    monkeypatch.setattr(rebuild, "monotonic", lambda: now)
    monkeypatch.setattr(asyncio, "sleep", pause)
    monkeypatch.setattr(steps.a.rebuilder, "_recount", overtaken_once)
    assert await steps.a.rebuilder.recount(token_hex(12)) == 0
    assert paused == [7.0]
