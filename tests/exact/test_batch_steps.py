"""The steps of a batch, one by one: mark, write, apply, and what lies between them."""

from __future__ import annotations

import asyncio
from secrets import token_hex
from time import monotonic

import pytest
from pymongo.errors import AutoReconnect

from quickpoll.counting.counted_path import CountedPath, Written, time_left
from quickpoll.counting.counters import Writing
from quickpoll.counting.tally import Delta, Mark, MarkKind
from quickpoll.errors import PollNotFound, Unavailable
from quickpoll.likes.rules import Act
from quickpoll.votes.batch import Outcome
from tests.exact.pair import owner
from tests.exact.stepping import Steps


async def test_a_batch_is_added_once(steps: Steps) -> None:
    """Also where Redis' first answer was lost and its apply runs twice."""
    poll = await steps.poll()
    writing = await steps.a.begin(poll)
    deltas = {str(poll.id): await steps.write_ballot(poll)}
    assert await steps.a.counters.finish(writing, deltas) == set()
    assert (await steps.state(poll))["voters"] == 1
    assert await steps.a.counters.finish(writing, deltas) == {str(poll.id)}
    assert (await steps.state(poll))["voters"] == 1
    assert await steps.a.trusted(poll) is None


async def test_a_mark_has_the_reconciler_look(steps: Steps) -> None:
    poll = await steps.poll()
    await steps.redis.delete(steps.keys.due)
    await steps.a.begin(poll)
    assert await steps.redis.zscore(steps.keys.due, str(poll.id)) is not None


async def test_a_batch_that_a_recount_did_not_wait_for_adds_nothing(steps: Steps) -> None:
    """It may have been counted, or not."""
    poll, token = await steps.poll(), token_hex(8)
    writing = await steps.a.begin(poll)
    await steps.b.counters.scripts.close_barrier(str(poll.id), token, wait=False)
    deltas = {str(poll.id): await steps.write_ballot(poll)}
    assert await steps.a.counters.finish(writing, deltas) == {str(poll.id)}
    assert (await steps.state(poll))["voters"] == 0


async def test_a_batch_that_passes_a_barrier_adds_nothing(steps: Steps) -> None:
    poll, token = await steps.poll(), token_hex(8)
    await steps.b.counters.scripts.close_barrier(str(poll.id), token, wait=False)
    writing = await steps.a.begin(poll)
    deltas = {str(poll.id): await steps.write_ballot(poll)}
    assert await steps.a.counters.finish(writing, deltas) == {str(poll.id)}
    assert (await steps.state(poll))["voters"] == 0


async def test_who_is_held_off_leaves_no_mark(steps: Steps) -> None:
    """Nor one of a first try, whose answer was lost before the barrier was closed."""
    poll, token = await steps.poll(), token_hex(8)
    scripts, marks = steps.a.counters.scripts, {str(poll.id): Mark(MarkKind.VOTES, ("u",))}
    assert (await scripts.mark("first", marks, pass_barriers=False)).revisions == {str(poll.id): 1}
    await scripts.close_barrier(str(poll.id), token, wait=True)
    assert (await scripts.mark("first", marks, pass_barriers=False)).revisions == {str(poll.id): -1}
    assert await steps.marks(poll) == {}


async def test_nothing_is_added_to_the_counts_of_another_run(steps: Steps) -> None:
    """Redis has been restarted with what it had kept on disk."""
    poll = await steps.poll()
    await steps.set_state(poll, run="another life of Redis")
    writing = await steps.a.begin(poll)
    assert writing.revisions == {str(poll.id): 0}
    assert await steps.a.trusted(poll) is None
    assert (await steps.a.counters.scripts.inspect(str(poll.id))).kind == "lost"
    deltas = {str(poll.id): await steps.write_ballot(poll)}
    assert await steps.a.counters.finish(writing, deltas) == {str(poll.id)}
    assert (await steps.state(poll))["voters"] == 0


async def test_versions_grow_although_the_clock_of_redis_was_ahead(steps: Steps) -> None:
    poll, ahead = await steps.poll(), 4_000_000_000 * 1_000_000
    await steps.set_state(poll, version=str(ahead), publicVersion=str(ahead))
    writing = await steps.a.begin(poll)
    await steps.a.counters.finish(writing, {str(poll.id): await steps.write_ballot(poll)})
    assert int((await steps.state(poll))["version"]) > ahead


async def test_a_mark_stays_where_it_is_not_sure_what_was_written(steps: Steps) -> None:
    """Also of a batch that has counted something beside."""
    poll, user = await steps.poll(), token_hex(12)
    writing = await steps.a.begin(poll, MarkKind.VOTES, user)
    deltas = {str(poll.id): await steps.write_ballot(poll)}
    await steps.a.counters.finish(writing, deltas, [str(poll.id)])
    assert [user in mark for mark in (await steps.marks(poll)).values()] == [True]


async def test_what_a_batch_doubts_is_fenced_by_whoever_sent_it(steps: Steps) -> None:
    poll, user = await steps.poll(), token_hex(12)

    async def write(writing: Writing, written: Written) -> None:
        written.unsure.add(str(poll.id))

    await steps.a.uncounted.look()
    await steps.a.path.write_batch({str(poll.id): Mark(MarkKind.VOTES, (user,))}, write)
    assert len(await steps.marks(poll)) == 1
    assert await steps.ballot(poll, user) is None
    await steps.a.path.settle_doubts()
    empty = await steps.ballot(poll, user)
    assert empty is not None
    assert empty["optionIds"] == []
    assert await steps.marks(poll) == {}


async def test_what_was_in_doubt_is_not_believed_before_it_is_counted(steps: Steps) -> None:
    """It stands, as the fence finds; the instance dies before it has its poll recounted."""
    poll, user = await steps.poll(), token_hex(12)
    one = steps.a
    path = CountedPath(one.counters, one.events, one.fences, lambda poll_ids: None)

    async def write(writing: Writing, written: Written) -> None:
        await steps.write_ballot(poll, 0, user)
        written.unsure.add(str(poll.id))

    await one.uncounted.look()
    await path.write_batch({str(poll.id): Mark(MarkKind.VOTES, (user,))}, write)
    await path.settle_doubts()
    assert await steps.marks(poll) == {}
    assert await one.trusted(poll) is None
    assert await steps.redis.zscore(steps.keys.due, str(poll.id)) is not None


async def test_what_has_begun_comes_to_its_end(steps: Steps) -> None:
    """Its caller hangs up."""
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        ended.set()

    caller = asyncio.create_task(steps.a.path.whole(work()))
    await begun.wait()
    caller.cancel()
    await asyncio.wait({caller})
    go_on.set()
    await asyncio.wait_for(ended.wait(), 5)


def test_nothing_is_written_when_the_mark_is_nearly_over() -> None:
    """The process was held up between its mark and its write."""
    assert time_left(monotonic()) == pytest.approx(2.0, abs=0.1)
    assert time_left(monotonic() - 1.0) == pytest.approx(1.0, abs=0.1)
    with pytest.raises(Unavailable):
        time_left(monotonic() - 2.5)


async def test_a_change_that_was_refused_holds_nobody_up(steps: Steps) -> None:
    poll = await steps.poll()

    async def refused() -> None:
        raise PollNotFound

    with pytest.raises(PollNotFound):
        await steps.a.path.change_poll(str(poll.id), refused)  # type: ignore[arg-type]
    assert await steps.marks(poll) == {}
    assert (await steps.b.begin(poll)).revisions == {str(poll.id): 1}


async def test_a_change_that_may_have_been_written_is_fenced(steps: Steps) -> None:
    poll = await steps.poll()

    async def unheard() -> None:
        raise AutoReconnect

    with pytest.raises(AutoReconnect):
        await steps.a.path.change_poll(str(poll.id), unheard)  # type: ignore[arg-type]
    assert (await steps.b.begin(poll)).revisions == {str(poll.id): 0}
    await steps.a.path.settle_doubts()
    assert (await steps.stored(poll))["revision"] == 2


async def test_likes_and_retractions_move_the_public_version_and_votes_do_not(
    steps: Steps,
) -> None:
    poll = await steps.poll()
    moved = []
    for delta in (Delta(voters=1), Delta(likes=1), Delta(voters=-1, retracted=True)):
        before = (await steps.state(poll))["publicVersion"]
        writing = await steps.a.begin(poll, MarkKind.VOTES, owner)
        await steps.a.counters.finish(writing, {str(poll.id): delta})
        moved.append((await steps.state(poll))["publicVersion"] != before)
    assert moved == [False, True, True]


async def test_what_is_acknowledged_of_a_batch_in_flight_is_not_missing(steps: Steps) -> None:
    """A's batch has written and not applied; the same vote again is answered on B."""
    poll, user = await steps.poll(), token_hex(12)
    pid, choice = str(poll.id), poll.option_ids()[:1]
    writing = await steps.a.begin(poll, MarkKind.VOTES, user)
    deltas = {pid: await steps.write_ballot(poll, user=user)}
    await steps.b.uncounted.look()
    assert (await steps.b.casting.cast(user, pid, choice)).outcome is Outcome.SAME
    tally = await steps.a.trusted(poll)
    assert tally is None or tally.voters == 1
    await steps.a.counters.finish(writing, deltas)


async def test_a_like_is_not_counted_beside_what_is_in_flight(steps: Steps) -> None:
    """A's batch has taken the like back and not applied that; it is given again on B."""
    poll, user = await steps.poll(), token_hex(12)
    pid, query = str(poll.id), {"pollId": poll.id}
    for act in (Act.SET, Act.UNSET):
        await steps.a.uncounted.look()
        assert await steps.a.liking.act(user, pid, act) is (act is Act.SET)
    await steps.a.liking.act(user, pid, Act.SET)
    writing = await steps.a.begin(poll, MarkKind.LIKES, user)
    taken_back = {"$set": {"liked": False}, "$inc": {"revision": 1}}
    await steps.database["like"].update_one(query, taken_back)
    await steps.b.uncounted.look()
    assert await steps.b.liking.act(user, pid, Act.SET)
    tally = await steps.a.trusted(poll)
    assert tally is None or tally.likes == 1
    await steps.a.counters.finish(writing, {pid: Delta(likes=-1)})
