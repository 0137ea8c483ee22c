"""The steps of a recount, one by one, with batches and changes in between."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from secrets import token_hex

import orjson
import pytest
from pymongo.errors import PyMongoError

from quickpoll.counting.answers import PollState
from quickpoll.counting.counters import Writing
from quickpoll.counting.tally import Counted, Mark, MarkKind, PollChange
from quickpoll.foundation.stores.mongo import deadline
from quickpoll.polls.models import Poll
from quickpoll.repair.rebuild import AGAIN, drift
from tests.exact.framing import mongo_command
from tests.exact.pair import Document
from tests.exact.stepping import Stepped, Steps, heard


def drifted() -> float:
    """How many trusted counts were found wrong, in this process."""
    return drift._value.get()  # type: ignore[no-any-return]


async def close(one: Stepped, poll: Poll) -> tuple[str, Counted]:
    """The first half of a recount: close the barrier, count. Answers the barrier's token."""
    token = token_hex(8)
    found = await one.counters.scripts.close_barrier(str(poll.id), token, wait=False)
    assert found.barrier
    counted = await one.census.count(str(poll.id))
    assert counted is not None
    return found.barrier, counted


async def put(one: Stepped, poll: Poll, token: str, counted: Counted, floor: int = 0) -> int:
    """The second half: put the count in place."""
    scripts = one.counters.scripts
    return await scripts.open_barrier(str(poll.id), token, counted, (), (floor, 0))


async def apply(steps: Steps, poll: Poll, writing: Writing) -> set[str]:
    """A vote of a batch of A's is written and applied."""
    deltas = {str(poll.id): await steps.write_ballot(poll)}
    return await steps.a.counters.finish(writing, deltas)


async def test_a_count_that_lost_its_barrier_is_not_put_in_place(steps: Steps) -> None:
    """Writers have passed since."""
    poll = await steps.poll()
    token, counted = await close(steps.b, poll)
    await steps.redis.delete(steps.keys.barrier(str(poll.id)))
    assert await apply(steps, poll, await steps.a.begin(poll)) == set()
    assert await put(steps.b, poll, token, counted) == AGAIN
    assert (await steps.state(poll))["voters"] == 1


async def test_what_is_missed_during_a_count_is_counted_by_another(steps: Steps) -> None:
    poll = await steps.poll()
    writing = await steps.a.begin(poll)
    token, counted = await close(steps.b, poll)
    assert await apply(steps, poll, writing) == {str(poll.id)}
    assert await put(steps.b, poll, token, counted) == AGAIN
    assert await steps.a.trusted(poll) is None
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    tally = await steps.a.trusted(poll)
    assert tally is not None
    assert tally.voters == 1


@pytest.mark.parametrize("how", ["applied", "given up"])
async def test_the_same_where_there_is_no_state_at_all(steps: Steps, how: str) -> None:
    """Redis forgot the state and the marks; the count that builds it anew has missed a batch."""
    poll = await steps.poll()
    writing = await steps.a.begin(poll)
    await steps.empty_redis()
    token, counted = await close(steps.b, poll)
    if how == "applied":
        assert await apply(steps, poll, writing) == {str(poll.id)}
    else:
        await steps.write_ballot(poll)
        await steps.a.counters.scripts.give_up([str(poll.id)])
    assert await put(steps.b, poll, token, counted) == AGAIN
    assert await steps.a.trusted(poll) is None


@pytest.mark.parametrize("kind", MarkKind)
async def test_a_dead_batch_is_fenced_before_its_poll_is_counted(
    steps: Steps, kind: MarkKind
) -> None:
    """Whatever it writes to; its mark goes with the count."""
    poll, user = await steps.poll(), token_hex(12)
    await steps.dead_batch(poll, Mark(kind, () if kind is MarkKind.CHANGE else (user,)))
    assert (await steps.b.counters.scripts.inspect(str(poll.id))).kind is PollState.LOST
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    assert await steps.marks(poll) == {}
    fenced = {
        MarkKind.VOTES: await steps.database["vote"].count_documents({}),
        MarkKind.LIKES: await steps.database["like"].count_documents({}),
        MarkKind.CHANGE: (await steps.stored(poll))["revision"] - 1,
    }
    assert {one for one, number in fenced.items() if number} == {kind}


async def test_a_recount_that_fails_leaves_nothing_trusted(steps: Steps) -> None:
    """Somebody has asked for it: the counts are not to be believed."""
    poll = await steps.poll()
    assert await steps.a.trusted(poll) is not None
    counting = steps.b.wires.mongo.catch(mongo_command("find", "poll"))
    with suppress(PyMongoError), deadline(0.3):
        await steps.b.rebuilder.recount(str(poll.id))
    assert counting.sprung
    counting.release()
    assert await steps.a.trusted(poll) is None


async def test_a_state_that_was_built_anew_is_looked_at_again(steps: Steps) -> None:
    """Batches may be in flight whose marks went the same way."""
    poll = await steps.poll()
    writing = await steps.a.begin(poll)
    await steps.empty_redis()
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    assert await steps.redis.zscore(steps.keys.due, str(poll.id)) is not None
    scripts = steps.b.counters.scripts
    assert (await scripts.inspect(str(poll.id))).kind is PollState.BUSY
    unmarked = (await scripts.in_flight(str(poll.id))).unmarked_seconds
    assert unmarked is not None
    assert unmarked > 2.0
    # A recount in between does not shorten that.
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    unmarked = (await scripts.in_flight(str(poll.id))).unmarked_seconds
    assert unmarked is not None
    assert unmarked > 1.0
    # When the time is over it is counted once more.
    await steps.set_state(poll, unsettledUntil=1)
    assert (await scripts.inspect(str(poll.id))).kind is PollState.LOST
    await apply(steps, poll, writing)


async def test_what_is_in_flight_is_no_drift(steps: Steps) -> None:
    """Written, and not applied yet: the counts were not wrong."""
    poll, before = await steps.poll(), drifted()
    await steps.a.begin(poll)
    await steps.write_ballot(poll)
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    assert drifted() == before


async def test_what_lost_its_mark_is_no_drift(steps: Steps) -> None:
    poll, before = await steps.poll(), drifted()
    await steps.empty_redis()
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    await steps.write_ballot(poll)
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    assert drifted() == before


async def test_a_round_over_an_empty_redis_leaves_it_in_use(steps: Steps) -> None:
    """What names no key is no command, and Redis refuses it."""
    await steps.empty_redis()
    await steps.a.reconciler.round()
    assert await steps.a.counters.read([]) == {}
    assert steps.a.redis.available


async def test_what_nothing_explains_is_drift(steps: Steps) -> None:
    poll, before = await steps.poll(), drifted()
    await steps.write_ballot(poll)
    assert await steps.b.rebuilder.recount(str(poll.id)) == 2  # the option's, and the voters
    assert drifted() == before + 2
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0


async def test_a_recount_goes_above_what_was_read_in_mongodb(steps: Steps) -> None:
    poll, read = await steps.poll(), 4_000_000_000 * 1_000_000 + 1
    direct: Document = {"_id": poll.id, "version": read, "publicVersion": read, "counts": {}}
    await steps.database["direct_count"].insert_one(direct)
    await steps.a.counters.scripts.give_up([str(poll.id)])
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    assert int((await steps.state(poll))["version"]) > read
    assert await steps.database["direct_count"].count_documents({}) == 0


async def test_a_recount_tells_whom_results_are_hidden_from_nothing(steps: Steps) -> None:
    """A vote was missed; what everybody may see is the same."""
    poll = await steps.poll(results="owner")
    before = (await steps.state(poll))["publicVersion"]
    await steps.a.counters.scripts.give_up([str(poll.id)])
    await steps.write_ballot(poll)
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    state = await steps.state(poll)
    assert (state["publicVersion"], state["voters"]) == (before, 1)
    assert state["version"] != before


async def test_a_recount_keeps_the_later_revision(steps: Steps) -> None:
    """It has read the poll before a change that was announced meanwhile."""
    poll = await steps.poll()
    token, counted = await close(steps.b, poll)
    writing = await steps.a.begin(poll, MarkKind.CHANGE)
    changed = await steps.a.polls.change(poll, {"status": "closed"})
    assert changed is not None
    said = PollChange("closed", changed.poll.revision)
    await steps.a.counters.announce(writing, str(poll.id), said)
    await put(steps.b, poll, token, counted)
    assert (await steps.state(poll))["revision"] == 2


async def test_a_recount_does_not_end_a_change_that_is_under_way(steps: Steps) -> None:
    poll = await steps.poll()
    await steps.a.begin(poll, MarkKind.CHANGE)
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    shown = await steps.b.trusted(poll)
    assert shown is not None
    assert not shown.current  # whoever shows these counts reads the poll itself anew
    assert (await steps.b.begin(poll)).revisions == {str(poll.id): 0}


async def test_a_recount_tells_what_a_dead_instance_has_changed(steps: Steps) -> None:
    """Written, never announced."""
    poll = await steps.poll()
    assert await steps.a.polls.change(poll, {"lastChange": {"change": "closed"}}) is not None
    async with steps.redis.pubsub() as channel:
        await channel.subscribe(steps.keys.updates)
        assert await steps.b.rebuilder.recount(str(poll.id)) == 0
        said = [orjson.loads(one["data"]) for one in await heard(channel, 3)]
    assert [one["event"] for one in said] == ["poll-update", "vote-update", "like-update"]
    assert said[0]["change"] == "closed"
    # What a change reveals is newer than the word of it.
    assert said[0]["version"] < said[1]["version"] == int((await steps.state(poll))["version"])


async def test_a_recount_mends_the_likes_by_which_lists_are_sorted(steps: Steps) -> None:
    poll = await steps.poll()
    await steps.database["poll"].update_one({"_id": poll.id}, {"$set": {"likes": 7}})
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    assert (await steps.stored(poll))["likes"] == 0


async def test_a_batch_is_not_missed_when_its_poll_was_just_found_quiet(steps: Steps) -> None:
    """Marked between the reconciler's count and the removal of its entry: there was one already,
    so the mark has made none. The reconciler dies then."""
    poll = await steps.poll()
    one = steps.b
    reconciler = one.reconciler_by(one.counters, clock=lambda: 0.0)
    await reconciler.round()  # what it finds of a Redis that it does not know
    await one.counters.scripts.look_at([str(poll.id)], 0.0, "LT")
    removal = one.wires.redis.catch(b"EVALSHA", steps.keys.due.encode(), str(poll.id).encode())
    looking = asyncio.create_task(reconciler.round())
    await removal.caught()
    await steps.a.begin(poll)
    looking.cancel()
    await removal.landed()
    assert await steps.redis.zscore(steps.keys.due, str(poll.id)) is not None
