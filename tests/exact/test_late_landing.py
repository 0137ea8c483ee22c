"""Hole 3: writes whose outcome nobody heard, and that reach MongoDB long after all was settled.

"Settled" takes five seconds: by then everything is as it stays, as the contract says of counts. A
mark is over after 2.7 s, somebody has looked half a second later, and a deletion was swept.
"""

from __future__ import annotations

import asyncio
from secrets import token_hex

import httpx
import pytest
from bson import ObjectId

from tests.conftest import bearer
from tests.exact.framing import mongo_command
from tests.exact.pair import Member, Pair, Poll, exact_seconds, owner
from tests.exact.traps import Caught

settled_seconds = exact_seconds
"""Longer than any mark or doubt lives, and the first sweep of a deletion takes."""


async def lost_vote(pair: Pair, poll: Poll, user: str) -> Caught:
    """A vote on A that stalls on its way: its voter hears 503."""
    held = pair.a.mongo.catch(mongo_command("insert", "vote"))
    assert (await pair.a.vote(poll, 0, user)).status_code == 503
    assert held.sprung
    return held


async def lost_like(pair: Pair, poll: Poll, user: str) -> Caught:
    """A like on A that stalls on its way."""
    held = pair.a.mongo.catch(mongo_command("insert", "like"))
    assert (await pair.a.act("PUT", "like-poll", poll, user)).status_code == 503
    assert held.sprung
    return held


async def liked(pair: Pair, poll: Poll, user: str) -> bool:
    """Whether a user likes a poll, by MongoDB."""
    query = {"pollId": ObjectId(poll["id"]), "userId": ObjectId(user), "liked": True}
    return await pair.database["like"].find_one(query) is not None


async def test_a_vote_that_lands_late_is_counted_or_is_no_vote(pair: Pair) -> None:
    """Its voter never asks again: either way, every count says what MongoDB holds."""
    poll = await pair.poll()
    assert (await pair.b.vote(poll, 1, token_hex(12))).status_code == 201
    held = await lost_vote(pair, poll, token_hex(12))
    await asyncio.sleep(settled_seconds)
    await pair.exact(poll)
    await held.landed()
    await pair.exact(poll)


async def test_a_poll_whose_insert_lands_late_is_the_one_that_was_made_meanwhile(
    pair: Pair,
) -> None:
    """The same request on the other instance waits a second for it, and makes the poll itself."""
    held = pair.a.mongo.catch(mongo_command("insert", "poll"))
    key = token_hex(16)
    first = asyncio.create_task(create(pair.a, key))
    await held.caught()
    second = await create(pair.b, key)
    poll = second.json()
    assert (await pair.b.vote(poll, 1, token_hex(12))).status_code == 201
    await held.landed()
    assert [(await first).status_code, second.status_code] == [201, 201]
    assert (await first).json() == poll
    await pair.exact(poll)
    assert (await pair.a.look(poll))["votersCount"] == 1


async def create(member: Member, key: str) -> httpx.Response:
    """Ask for a poll under an idempotency key."""
    asked = {"question": "Which?", "options": [{"text": "red"}, {"text": "green"}]}
    headers = {**bearer(owner), "Idempotency-Key": key}
    return await member.http.post("/api/poll/create-poll", json=asked, headers=headers)


async def test_a_like_that_lands_late_is_counted_or_is_no_like(pair: Pair) -> None:
    poll = await pair.poll()
    held = await lost_like(pair, poll, token_hex(12))
    await asyncio.sleep(settled_seconds)
    await pair.exact(poll)
    await held.landed()
    await pair.exact(poll)


@pytest.mark.parametrize("again", ["cast again", "not there"])
async def test_a_retracted_ballot_does_not_come_back(pair: Pair, again: str) -> None:
    """503, perhaps cast again, retracted (204): then the first insert lands."""
    poll, user = await pair.poll(allowVoteChange=True), token_hex(12)
    held = await lost_vote(pair, poll, user)
    if again == "cast again":
        assert (await pair.b.vote(poll, 1, user)).status_code in (200, 201)
    assert (await pair.b.act("DELETE", "ballot", poll, user)).status_code == 204
    await asyncio.sleep(settled_seconds)
    assert (await pair.b.act("GET", "ballot", poll, user)).status_code == 404
    await held.landed()
    await pair.exact(poll)
    assert await pair.stands(poll, user) is None
    for member in pair.both:
        assert (await member.act("GET", "ballot", poll, user)).status_code == 404


@pytest.mark.parametrize("again", ["liked again", "not there"])
async def test_a_like_that_was_taken_back_does_not_come_back(pair: Pair, again: str) -> None:
    poll, user = await pair.poll(), token_hex(12)
    held = await lost_like(pair, poll, user)
    if again == "liked again":
        assert (await pair.b.act("PUT", "like-poll", poll, user)).status_code == 200
    assert (await pair.b.act("DELETE", "like-poll", poll, user)).status_code == 200
    await asyncio.sleep(settled_seconds)
    await held.landed()
    await pair.exact(poll)
    assert not await liked(pair, poll, user)


async def test_a_change_that_lands_late_changes_nothing_that_was_answered_since(
    pair: Pair,
) -> None:
    poll, user = await pair.poll(allowVoteChange=True), token_hex(12)
    assert (await pair.b.vote(poll, 0, user)).status_code == 201
    held = pair.a.mongo.catch(mongo_command("update", "vote"))
    assert (await pair.a.vote(poll, 1, user)).status_code == 503
    assert (await pair.b.vote(poll, 2, user)).status_code == 200
    await held.landed()
    await pair.exact(poll)
    assert await pair.stands(poll, user) == [poll["options"][2]["id"]]


@pytest.mark.parametrize("what", ["change", "retraction"])
async def test_a_change_that_lands_late_is_counted_or_is_none(pair: Pair, what: str) -> None:
    poll, user = await pair.poll(allowVoteChange=True), token_hex(12)
    assert (await pair.b.vote(poll, 0, user)).status_code == 201
    held = pair.a.mongo.catch(mongo_command("update", "vote"))
    if what == "change":
        answer = await pair.a.vote(poll, 1, user)
    else:
        answer = await pair.a.act("DELETE", "ballot", poll, user)
    assert answer.status_code == 503
    await asyncio.sleep(settled_seconds)
    await pair.exact(poll)
    await held.landed()
    await pair.exact(poll)


async def test_a_vote_that_lands_after_the_close_changes_no_result(pair: Pair) -> None:
    poll = await pair.poll()
    assert (await pair.b.vote(poll, 1, token_hex(12))).status_code == 201
    held = await lost_vote(pair, poll, token_hex(12))
    closed = await pair.b.act("POST", "close-poll", poll)
    if closed.status_code == 503:
        closed = await pair.b.act("POST", "close-poll", poll)
    assert closed.status_code == 200
    said = (await pair.b.look(poll))["votersCount"]
    await held.landed()
    await asyncio.sleep(settled_seconds)
    await pair.exact(poll)
    assert [(await member.look(poll))["votersCount"] for member in pair.both] == [said, said]


async def test_a_vote_that_lands_after_the_deletion_leaves_nothing(pair: Pair) -> None:
    poll = await pair.poll()
    held = await lost_vote(pair, poll, token_hex(12))
    assert (await pair.b.act("DELETE", "delete-poll", poll)).status_code == 204
    await asyncio.sleep(settled_seconds)
    await held.landed()
    for _ in range(50):
        await asyncio.sleep(0.1)
        left = await pair.database["vote"].count_documents({"pollId": ObjectId(poll["id"])})
        if not left:
            break
    assert left == 0
