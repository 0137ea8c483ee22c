"""What was suspected by reading: each is proved or refuted here."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from secrets import token_hex

from bson import ObjectId

from tests.builders import create_poll
from tests.exact.framing import mongo_command
from tests.exact.pair import Member, Pair, Poll, exact_seconds, owner, settles, stranger

write_of_ballots = (b"\0vote\0", b"\x03writeConcern\0")
"""Any write, not the first alone: one that a majority has says that it has all before it, too."""


async def drift(member: Member) -> float:
    """``quickpoll_counter_drift_total`` of an instance: trusted counts that were wrong."""
    lines = (await member.http.get("/metrics")).text.splitlines()
    found = [one for one in lines if one.startswith("quickpoll_counter_drift_total")]
    return float(found[0].split()[-1])


async def test_counters_that_are_created_late_do_not_hide_a_first_vote(pair: Pair) -> None:
    """``create`` reaches Redis after a first vote has been counted, or could not be."""
    before = await drift(pair.a)
    late = [pair.a.redis.catch(b"EVALSHA", b":option:") for _ in range(2)]
    poll = await create_poll(pair.a.http, owner)
    recount = pair.b.mongo.catch(b"\0vote\0", b"optionIds", bytes.fromhex(poll["id"]), nth=1)
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    assert late[0].sprung
    for one in late:
        one.release()
    await asyncio.sleep(0.1)
    looks = asyncio.gather(*(member.look(poll) for member in pair.both))
    await asyncio.wait({looks}, timeout=1.0)  # what is held may be the count for one of these
    recount.release()
    assert [view["votersCount"] for view in await looks] == [1, 1]
    await pair.exact(poll)
    await asyncio.sleep(4.0)  # a verification would find what is trusted and wrong
    assert await drift(pair.a) == before


async def test_a_deadline_is_told_although_the_teller_dies(pair: Pair) -> None:
    """A crash between taking the turn to announce a deadline and announcing it: whoever lives says
    it, as soon as all is right again after any crash."""
    soon = datetime.now(UTC) + timedelta(seconds=2.0)
    poll = await pair.poll(closesAt=soon.isoformat())
    screens = {member: await member.screen(poll) for member in pair.both}
    told = {
        member: member.redis.catch(b"EVALSHA", b"closed", poll["id"].encode())
        for member in pair.both
    }
    while not any(trap.sprung for trap in told.values()):
        await asyncio.sleep(0.01)
        if (datetime.now(UTC) - soon).total_seconds() > 3.0:
            break
    teller = next((member for member, trap in told.items() if trap.sprung), pair.a)
    teller.die()
    for trap in told.values():
        trap.release()
    living = pair.b if teller is pair.a else pair.a
    heard = await screens[living].until("poll-update", change="closed")
    assert datetime.fromisoformat(heard["at"]) - soon < timedelta(seconds=exact_seconds)


async def test_what_was_retracted_slowly_is_remembered_as_long(pair: Pair) -> None:
    """Tombstones that are dated by the request, which may have waited for seconds: one that is a
    moment old has to stand against a late insert like any other."""
    poll, user = await pair.poll(allowVoteChange=True), token_hex(12)
    late = pair.a.mongo.catch(mongo_command("insert", "vote"))
    assert (await pair.a.vote(poll, 0, user)).status_code == 503
    assert (await pair.b.vote(poll, 1, user)).status_code in (200, 201)
    slow = pair.b.mongo.catch(mongo_command("update", "vote"))
    retracting = asyncio.create_task(pair.b.act("DELETE", "ballot", poll, user))
    await slow.caught()
    await asyncio.sleep(1.5)
    slow.release()
    assert (await retracting).status_code == 204
    await asyncio.sleep(2.8)  # shorter than any write may take
    await late.landed()
    await pair.exact(poll)
    assert await pair.stands(poll, user) is None


async def test_write_concern_errors_are_no_success(pair: Pair) -> None:
    """MongoDB has written, but cannot say that a majority has: the voter hears 503."""
    poll, user = await pair.poll(), token_hex(12)
    with pair.a.mongo.unconfirmed(*write_of_ballots):
        answer = await pair.a.vote(poll, 0, user)
    assert answer.status_code == 503
    assert (await pair.a.vote(poll, 0, user)).status_code in (200, 201)
    await pair.exact(poll)


async def test_an_unconfirmed_vote_that_is_rolled_back_is_not_counted(pair: Pair) -> None:
    """A write without a majority, gone after an election: counts follow within five seconds."""
    poll, user = await pair.poll(), token_hex(12)
    with pair.a.mongo.unconfirmed(*write_of_ballots):
        assert (await pair.a.vote(poll, 0, user)).status_code == 503
    gone = {"pollId": ObjectId(poll["id"]), "userId": ObjectId(user)}
    await pair.database["vote"].delete_one(gone)
    await pair.exact(poll)


async def test_an_unconfirmed_close_is_not_answered(pair: Pair) -> None:
    """The same for a change of the poll: 503, and the same again is safe."""
    poll = await pair.poll()
    with pair.a.mongo.unconfirmed(mongo_command("update", "poll")):
        answer = await pair.a.act("POST", "close-poll", poll)
    assert answer.status_code == 503
    assert (await pair.a.act("POST", "close-poll", poll)).status_code == 200
    for member in pair.both:
        assert (await member.vote(poll, 0, token_hex(12))).status_code == 409


async def seen_from_outside(member: Member, poll: Poll) -> tuple[int, str]:
    """Version and ETag for somebody who may not see the results."""
    answer = await member.act("GET", "get-poll-by-id", poll, stranger)
    assert answer.status_code == 200
    assert answer.json()["resultsHidden"] is True
    return answer.json()["version"], answer.headers["ETag"]


async def test_hidden_results_move_no_version_while_others_vote(pair: Pair) -> None:
    poll = await pair.poll(results="owner")
    seen = set()
    for step in range(30):
        for member in pair.both:
            assert (await member.vote(poll, step % 3, token_hex(12))).status_code == 201
            seen.add(await seen_from_outside(member, poll))
    assert len(seen) == 1


async def test_hidden_results_move_no_version_when_redis_is_slow_once(pair: Pair) -> None:
    """Nothing has changed but that Redis took too long for one reading, as on a busy machine."""
    poll = await pair.poll(results="owner")
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    before = await seen_from_outside(pair.a, poll)
    pair.a.redis.delay(0.6)
    during = await seen_from_outside(pair.a, poll)
    pair.a.redis.mend()
    await pair.a.has_redis()
    await pair.exact(poll)
    assert {before, during, await seen_from_outside(pair.a, poll)} == {before}


async def test_hidden_results_move_no_version_when_a_vote_is_counted_anew(pair: Pair) -> None:
    """A vote whose mark Redis has lost: its poll is counted again, and that tells nothing."""
    poll = await pair.poll(results="owner")
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    before = await seen_from_outside(pair.a, poll)
    pair.b.redis.delay(0.6)
    assert (await pair.b.vote(poll, 0, token_hex(12))).status_code == 201
    pair.b.redis.mend()
    await pair.b.has_redis()
    await pair.exact(poll)
    assert [await seen_from_outside(one, poll) for one in pair.both] == [before, before]


async def test_a_late_mark_of_a_dead_batch_holds_nobody_up(pair: Pair) -> None:
    """What Redis is told late, by an instance that has given up on it, ends by itself."""
    poll = await pair.poll()
    pair.a.redis.pause("up")
    assert (await pair.a.vote(poll, 0, token_hex(12))).status_code == 201
    pair.a.redis.mend()
    await pair.a.has_redis()
    with suppress(AssertionError):
        await pair.exact(poll)
    await settles(lambda: pair.differences(poll), 0.5)
    assert (await pair.b.act("POST", "close-poll", poll)).status_code == 200
