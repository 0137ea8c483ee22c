"""Hole 2: a close that was answered is final, however long a batch takes in MongoDB."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import httpx
import pytest

from tests.exact.framing import mongo_command
from tests.exact.pair import Member, Pair, Poll, owner
from tests.exact.traps import Caught


async def until_answered(member: Member, name: str, poll: Poll) -> httpx.Response:
    """A change of a poll, sent again where it could not be made final in time."""
    answer = await member.act("POST", name, poll)
    if answer.status_code == 503:
        answer = await member.act("POST", name, poll)
    return answer


async def voters(pair: Pair, poll: Poll) -> list[int]:
    """How many have voted, as each instance says."""
    return [(await member.look(poll)).get("votersCount", -1) for member in pair.both]


async def close_over_a_held_ballot(
    pair: Pair, poll: Poll, held: Caught, voting: asyncio.Task[httpx.Response]
) -> None:
    """Close on A while a ballot of B is between its mark and MongoDB for a second."""
    await held.caught()
    asyncio.get_running_loop().call_later(1.0, held.release)
    closed = await until_answered(pair.a, "close-poll", poll)
    assert closed.status_code == 200
    said = await voters(pair, poll)
    late = await voting
    assert late.status_code in (201, 409, 503)
    await held.landed()
    assert await voters(pair, poll) == said, f"the ballot was answered {late.status_code}"
    for member in pair.both:
        member.redis.mend()
        await member.has_redis()
    await pair.exact(poll)
    assert await voters(pair, poll) == said, f"the ballot was answered {late.status_code}"


async def test_a_close_waits_for_a_ballot_that_is_under_way(pair: Pair) -> None:
    poll = await pair.poll()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    held = pair.b.mongo.catch(mongo_command("insert", "vote"))
    voting = asyncio.create_task(pair.b.vote(poll, 1, token_hex(12)))
    await close_over_a_held_ballot(pair, poll, held, voting)


async def test_a_close_waits_for_a_change_that_is_under_way(pair: Pair) -> None:
    poll, user = await pair.poll(allowVoteChange=True), token_hex(12)
    assert (await pair.b.vote(poll, 0, user)).status_code == 201
    held = pair.b.mongo.catch(mongo_command("update", "vote"))
    voting = asyncio.create_task(pair.b.vote(poll, 1, user))
    await held.caught()
    asyncio.get_running_loop().call_later(1.0, held.release)
    assert (await until_answered(pair.a, "close-poll", poll)).status_code == 200
    views = [(await member.look(poll))["counts"] for member in pair.both]
    answer = await voting
    await held.landed()
    await pair.exact(poll)
    after = [(await member.look(poll))["counts"] for member in pair.both]
    assert after == views, f"the change was answered {answer.status_code}"


@pytest.mark.parametrize("cut_off", ["both", "the voter's", "the owner's"])
async def test_a_close_waits_while_redis_is_away(pair: Pair, cut_off: str) -> None:
    """Nobody can say which batches are under way: one that read the open poll may be."""
    poll = await pair.poll()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    if cut_off != "the voter's":
        pair.a.redis.cut()
    if cut_off != "the owner's":
        pair.b.redis.cut()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    held = pair.b.mongo.catch(mongo_command("insert", "vote"))
    voting = asyncio.create_task(pair.b.vote(poll, 1, token_hex(12)))
    await close_over_a_held_ballot(pair, poll, held, voting)


async def test_a_close_waits_for_the_first_ballot_without_redis(pair: Pair) -> None:
    """Whose note the owner's instance has not looked at yet."""
    poll = await pair.poll()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    pair.b.redis.cut()
    look = pair.a.mongo.catch(mongo_command("find", "uncounted"))
    await look.caught()
    held = pair.b.mongo.catch(mongo_command("insert", "vote"))
    voting = asyncio.create_task(pair.b.vote(poll, 1, token_hex(12)))
    await held.caught()
    asyncio.get_running_loop().call_later(1.0, look.release)
    await close_over_a_held_ballot(pair, poll, held, voting)


async def test_hidden_results_stay_hidden_once_that_was_answered(pair: Pair) -> None:
    """``results: owner``: no instance shows them after the answer, Redis or not."""
    poll = await pair.poll()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    pair.b.redis.cut()
    answer = await pair.a.act("PATCH", "update-poll", poll, body={"results": "owner"})
    assert answer.status_code == 200
    for member in pair.both:
        assert "votersCount" not in await member.look(poll, token_hex(12))
    pair.b.redis.mend()


async def test_an_instance_that_dies_in_the_middle_of_a_close_leaves_no_two_truths(
    pair: Pair,
) -> None:
    """Hole 1 again: A is gone after its write, before anybody was told."""
    poll = await pair.poll()
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    await pair.quiet(poll)
    held = pair.a.mongo.catch(mongo_command("update", "poll"), answers=True)
    closing = asyncio.create_task(pair.a.act("POST", "close-poll", poll))
    await held.caught()
    query = {"question": poll["question"], "status": "closed"}
    while await pair.database["poll"].find_one(query) is None:  # noqa: ASYNC110 - no event for it
        await asyncio.sleep(0.01)
    pair.a.die()
    closing.cancel()
    for _ in range(50):
        await asyncio.sleep(0.1)
        if (await pair.b.look(poll, owner))["status"] == "closed":
            break
    late = await pair.b.vote(poll, 1, token_hex(12))
    assert late.status_code == 409
    await pair.exact(poll, pair.b)
