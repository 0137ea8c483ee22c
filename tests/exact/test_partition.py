"""Holes 4, 6 and 9: Redis away for one instance, for all, or emptied again and again."""

from __future__ import annotations

import asyncio
from collections import Counter
from secrets import token_hex

from tests.exact.pair import Pair, Poll, exact_seconds


async def test_votes_of_a_cut_off_instance_are_shown_while_voting_goes_on(pair: Pair) -> None:
    """Hole 4: the other instance shows each acknowledged vote within five seconds."""
    poll = await pair.poll()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    await pair.quiet(poll)
    pair.a.redis.cut()
    loop = asyncio.get_running_loop()
    acknowledged: list[float] = []
    behind = []
    until = loop.time() + 2 * exact_seconds
    while loop.time() < until:
        if (await pair.a.vote(poll, 1, token_hex(12))).status_code == 201:
            acknowledged.append(loop.time())
        old = sum(at < loop.time() - exact_seconds for at in acknowledged)
        shown = (await pair.b.look(poll))["votersCount"] - 1
        if shown < old:
            behind.append(f"{shown} of {old}")
        await asyncio.sleep(0.2)
    assert len(acknowledged) > 10
    pair.a.redis.mend()
    await pair.exact(poll)
    assert behind == []


async def test_nothing_grows_with_the_batches_that_redis_has_missed(pair: Pair) -> None:
    """Hole 6: what an instance tells Redis on its return is no longer after 100 batches than
    after three."""
    longest = []
    for batches in (3, 100):
        poll = await pair.poll()
        pair.a.redis.cut()
        for _ in range(batches):
            assert (await pair.a.vote(poll, 0, token_hex(12))).status_code == 201
        said = pair.a.redis.record()
        pair.a.redis.mend()
        await pair.a.has_redis()
        await pair.exact(poll)
        longest.append(max(len(one) for one in said if b"EVALSHA" in one[:30]))
    # One script in full where Redis did not know it is no growth; tokens of 100 batches are.
    assert longest[1] < longest[0] + 1000, longest


async def empty_again_and_again(pair: Pair) -> None:
    """Take every key of this test from Redis, ten times a second."""
    while True:
        names = [name async for name in pair.redis.scan_iter(f"{pair.keys.prefix}*")]
        if names:
            await pair.redis.delete(*names)
        await asyncio.sleep(0.1)


async def answers_while_emptied(pair: Pair, poll: Poll, method: str, name: str) -> Counter[int]:
    """What users are answered meanwhile, with a MongoDB that takes 60 ms for each operation."""
    answers: Counter[int] = Counter()
    for member in pair.both:
        member.mongo.delay(0.03)
    emptying = asyncio.create_task(empty_again_and_again(pair))
    loop = asyncio.get_running_loop()
    until = loop.time() + 4.5  # anybody who waits is told 503 after 2.7

    async def user(step: int) -> None:
        member = pair.both[step % 2]
        while loop.time() < until:
            if name == "like-poll":
                answer = await member.act(method, name, poll, token_hex(12))
            else:
                answer = await member.vote(poll, step % 3, token_hex(12))
            answers[answer.status_code] += 1

    await asyncio.gather(*map(user, range(8)))
    emptying.cancel()
    for member in pair.both:
        member.mongo.mend()
    return answers


async def test_likes_go_on_while_redis_is_emptied_again_and_again(pair: Pair) -> None:
    """Hole 9: recounts may hold a writer off for a while, not for ever. MongoDB is well."""
    poll = await pair.poll()
    answers = await answers_while_emptied(pair, poll, "PUT", "like-poll")
    await pair.exact(poll)
    assert answers.keys() == {200}, answers


async def test_votes_go_on_while_redis_is_emptied_again_and_again(pair: Pair) -> None:
    poll = await pair.poll()
    answers = await answers_while_emptied(pair, poll, "POST", "vote-on-poll")
    await pair.exact(poll)
    assert answers.keys() == {201}, answers


async def test_a_recount_that_is_never_done_refuses_nobody(pair: Pair) -> None:
    """Hole 9: MongoDB answers, and a recount is never done: nobody waits for it in vain."""
    poll = await pair.poll()
    gate = pair.keys.barrier(poll["id"])
    await pair.redis.set(gate, "somebody else's")
    answers = [
        await pair.a.act("PUT", "like-poll", poll, token_hex(12)),
        await pair.a.vote(poll, 0, token_hex(12)),
    ]
    await pair.redis.delete(gate)
    assert [answer.status_code for answer in answers] == [200, 201]
    await pair.exact(poll)
