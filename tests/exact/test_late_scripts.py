"""What Redis is told late: a script was sent, nobody heard an answer, it was sent again on another
connection. The first copy comes when all seemed over."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import orjson
import pytest
from pymongo.errors import PyMongoError
from redis.asyncio.client import PubSub

from quickpoll.counting.counted_path import Written
from quickpoll.counting.counters import Counters, Writing
from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.counting.versions import VersionClock
from quickpoll.foundation.stores.mongo import deadline
from quickpoll.foundation.stores.redis import RedisAway
from quickpoll.polls.models import Poll
from quickpoll.repair.rebuild import AGAIN
from tests.exact.stepping import Stepped, Steps, heard
from tests.exact.test_recount_steps import apply, close, put
from tests.exact.traps import Caught


def first_script(one: Stepped, key: str, *, answers: bool = False) -> Caught:
    """The first copy of the next script of an instance that has this among its keys or values."""
    return one.wires.redis.catch(b"EVALSHA", key.encode(), answers=answers)


the_end = '{"change":"nothing follows"}'


async def until_the_end(channel: PubSub) -> list[str]:
    """The messages of a channel, as far as the last one of a test."""
    said: list[str] = []
    while the_end not in said:
        said += [str(one["data"]) for one in await heard(channel, 1)]
    return said


async def voters(steps: Steps, poll: Poll) -> int | None:
    """How many have voted by the counts that are trusted; ``None`` where none are."""
    tally = await steps.b.trusted(poll)
    return None if tally is None else tally.voters


async def test_nothing_is_added_under_a_mark_that_came_late(steps: Steps) -> None:
    """A count has made the mark stale, and its late copy has made it anew."""
    poll = await steps.poll()
    pid = str(poll.id)
    late = first_script(steps.a, steps.keys.writes(pid))
    writing = await steps.a.begin(poll)
    deltas = {pid: await steps.write_ballot(poll)}
    assert await steps.b.rebuilder.recount(pid) == 0
    await late.landed()
    assert await steps.a.counters.finish(writing, deltas) == {pid}
    assert await voters(steps, poll) in (None, 1)


async def test_a_late_apply_adds_nothing_under_the_mark_of_a_doubt(steps: Steps) -> None:
    """The batch is in doubt of another ballot; MongoDB does not answer the fence of that."""
    poll = await steps.poll()
    pid, late = str(poll.id), list[Caught]()

    async def write(writing: Writing, written: Written) -> None:
        written.deltas[pid] = await steps.write_ballot(poll)
        written.unsure.add(pid)
        late.append(first_script(steps.a, writing.token))

    await steps.a.uncounted.look()
    await steps.a.path.write_batch({pid: Mark(MarkKind.VOTES, (token_hex(12),))}, write)
    assert (await steps.state(poll))["voters"] == 1
    steps.a.wires.mongo.cut()
    with pytest.raises(PyMongoError), deadline(0.3):
        await steps.a.path.settle_doubts()
    await late[0].landed()
    assert await voters(steps, poll) in (None, 1)
    steps.a.wires.mongo.mend()


async def test_counts_are_not_started_at_nothing_under_a_mark_that_came_late(
    steps: Steps,
) -> None:
    """Redis was emptied, and a vote was taken since."""
    poll = await steps.poll()
    pid = str(poll.id)
    late = first_script(steps.a, steps.keys.writes(pid))
    creation = await steps.a.begin(poll, MarkKind.CHANGE)
    await steps.empty_redis()
    await steps.write_ballot(poll)
    await late.landed()
    await steps.a.counters.create(creation, pid, poll.option_ids(), poll.revision)
    assert await voters(steps, poll) is None


async def test_a_late_closing_takes_over_nothing_that_was_missed_since(steps: Steps) -> None:
    """The count has begun: what a batch could not add is not in it."""
    poll = await steps.poll()
    writing = await steps.a.begin(poll)
    late = first_script(steps.b, steps.keys.barrier(str(poll.id)))
    barrier, counted = await close(steps.b, poll)
    assert await apply(steps, poll, writing) == {str(poll.id)}
    await late.landed()
    assert await put(steps.b, poll, barrier, counted) == AGAIN


async def test_a_late_closing_does_not_bring_back_a_barrier_that_was_lost(steps: Steps) -> None:
    """A batch has passed in between."""
    poll = await steps.poll()
    late = first_script(steps.b, steps.keys.barrier(str(poll.id)))
    barrier, counted = await close(steps.b, poll)
    await steps.redis.delete(steps.keys.barrier(str(poll.id)))
    assert await apply(steps, poll, await steps.a.begin(poll)) == set()
    await late.landed()
    assert await put(steps.b, poll, barrier, counted) == AGAIN
    assert (await steps.state(poll))["voters"] == 1


async def test_a_count_that_is_put_in_place_late_knows_when_it_was_made(steps: Steps) -> None:
    """Batches without a mark could write a moment after it was begun."""
    poll = await steps.poll()
    barrier, counted = await close(steps.b, poll)
    moment = int(barrier.split()[1]) + 1
    await steps.set_state(poll, unsettledUntil=moment)
    seconds, microseconds = await steps.redis.time()
    while seconds * 1000 + microseconds // 1000 <= moment:
        seconds, microseconds = await steps.redis.time()
    assert await put(steps.b, poll, barrier, counted) == 0
    assert (await steps.state(poll))["unsettledUntil"] == moment


async def test_a_poll_that_was_not_there_is_not_said_to_be_deleted_when_it_is(
    steps: Steps,
) -> None:
    """Its creation was under way when somebody counted it; what removes its counts comes late."""
    poll = await steps.poll()
    pid, document = str(poll.id), await steps.stored(poll)
    await steps.database["poll"].delete_one({"_id": poll.id})
    late = first_script(steps.b, steps.keys.likes(pid))
    async with steps.redis.pubsub() as channel:
        await channel.subscribe(steps.keys.updates)
        recount = asyncio.create_task(steps.b.rebuilder.recount(pid))
        await late.caught()
        await steps.database["poll"].insert_one(document)
        await steps.redis.delete(steps.keys.barrier(pid))
        late.release()
        assert await recount == 0
        await steps.redis.publish(steps.keys.updates, the_end)
        said = await until_the_end(channel)
    assert "deleted" not in [orjson.loads(one).get("change") for one in said]
    assert await voters(steps, poll) == 0


async def test_a_poll_is_changing_although_its_counts_are_started_then(steps: Steps) -> None:
    """It was seen and is changed before its creation has reached Redis."""
    poll = await steps.poll()
    await steps.empty_redis()
    creation = await steps.a.begin(poll, MarkKind.CHANGE)
    await steps.b.begin(poll, MarkKind.CHANGE)
    await steps.a.counters.create(creation, str(poll.id), poll.option_ids(), poll.revision)
    tally = await steps.b.trusted(poll)
    assert tally is not None
    assert not tally.current


async def test_a_loss_is_noticed_although_the_answer_that_tells_it_is_lost(steps: Steps) -> None:
    poll, one = await steps.poll(), steps.b
    reconciler = one.reconciler_by(one.counters)
    await reconciler.round()
    await steps.empty_redis()
    name = steps.keys.presence("another").encode()
    answer = one.wires.redis.catch(b"GET", name, answers=True)
    with pytest.raises(RedisAway):
        await reconciler.round()
    await answer.landed()
    await one.has_redis_again()
    await reconciler.round()
    assert await steps.redis.zscore(steps.keys.due, str(poll.id)) is not None


async def test_what_the_redis_before_has_heard_is_given_up(steps: Steps) -> None:
    """Another one has taken over before its answer came."""
    poll = await steps.poll()
    writing = await steps.a.begin(poll)
    deltas = {str(poll.id): await steps.write_ballot(poll)}
    answer = first_script(steps.a, writing.token, answers=True)
    finishing = asyncio.create_task(steps.a.counters.finish(writing, deltas))
    await answer.done()
    steps.a.redis.run_id = "another life of Redis"
    answer.release()
    await finishing
    await steps.a.counters.give_up_missed()
    assert (await steps.state(poll))["missing"] == 1


async def test_the_time_of_the_redis_before_is_not_that_of_the_next(steps: Steps) -> None:
    clock = VersionClock(wall=lambda: 7.0)
    one = steps.a
    counters = Counters(one.redis, one.counters.keys, one.uncounted, clock)
    answer = one.wires.redis.catch(b"TIME", answers=True)
    asking = asyncio.create_task(counters.adjust_clock())
    await answer.done()
    one.redis.run_id = "another life of Redis"
    answer.release()
    with pytest.raises(RedisAway):
        await asking
    assert clock.now() == 7_000_000
