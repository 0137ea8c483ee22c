"""The steps without Redis, one by one: notes before the write, counts read in MongoDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex

import pytest
from bson import ObjectId

from quickpoll.counting.counters import Counters
from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.counting.uncounted import Uncounted
from quickpoll.counting.versions import VersionClock
from quickpoll.foundation.concurrency.time_limits import MARK_SECONDS
from quickpoll.foundation.stores.redis import RedisAway
from quickpoll.polls.models import Poll
from quickpoll.repair.rebuild import drift
from tests.exact.framing import mongo_command
from tests.exact.stepping import Stepped, Steps


class Watch:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def notes_of(steps: Steps, instance: str, watch: Watch) -> Uncounted:
    """The notes, as an instance with that clock knows them."""
    database = steps.a.mongo[steps.a.settings.database_name]
    return Uncounted(instance, database, watch)


@asynccontextmanager
async def counters_of(one: Stepped, uncounted: Uncounted) -> AsyncIterator[Counters]:
    """Counters that go by these notes."""
    counters = Counters(one.redis, one.counters.keys, uncounted, one.clock)
    counters.start()
    yield counters
    await counters.aclose()


async def test_a_note_stands_before_the_write(steps: Steps) -> None:
    """And every instance that looks goes by MongoDB alone."""
    poll, user = await steps.poll(), token_hex(12)
    steps.a.wires.redis.cut()
    writing = await steps.a.begin(poll, MarkKind.VOTES, user)
    [note] = await steps.b.uncounted.on_poll(str(poll.id))
    assert note.marks() == [Mark(MarkKind.VOTES, (user,))]
    assert writing.revisions == {str(poll.id): 0}
    assert (await steps.b.begin(poll)).revisions == {str(poll.id): 0}
    assert await steps.b.trusted(poll) is None


@asynccontextmanager
async def settled_meanwhile(steps: Steps, poll: Poll, command: bytes) -> AsyncIterator[None]:
    """A note that stands is settled and gone while what Redis answers B is under way."""
    notes = notes_of(steps, "c", Watch())
    token, marks = token_hex(8), {str(poll.id): Mark(MarkKind.VOTES)}
    await notes.note(token, marks)
    await steps.write_ballot(poll)
    await notes.ended(token, marks, ())
    await steps.b.uncounted.look()
    answer = steps.b.wires.redis.catch(
        command, steps.keys.state(str(poll.id)).encode(), answers=True
    )

    async def settle() -> None:
        await answer.done()
        await steps.a.counters.scripts.give_up([str(poll.id)])
        await notes.look()
        await notes.settle(notes.all())
        await steps.b.uncounted.look()
        assert not steps.b.uncounted.is_noted(str(poll.id))
        answer.release()

    async with asyncio.TaskGroup() as group:
        group.create_task(settle())
        yield


async def test_counts_from_before_a_note_was_settled_are_not_trusted(steps: Steps) -> None:
    """They lack what was acknowledged under the note, and so was read already."""
    poll = await steps.poll()
    async with settled_meanwhile(steps, poll, b"MGET"):
        assert (await steps.b.counters.read([str(poll.id)]))[str(poll.id)] is None


async def test_a_revision_from_before_a_note_was_settled_is_not_trusted(steps: Steps) -> None:
    """A close may have been acknowledged under the note."""
    poll = await steps.poll()
    async with settled_meanwhile(steps, poll, b"EVALSHA"):
        mark = {str(poll.id): Mark(MarkKind.VOTES, (token_hex(12),))}
        assert (await steps.b.counters.begin(mark)).revisions == {str(poll.id): 0}


async def test_a_batch_without_redis_ends_when_everybody_must_know_its_note(steps: Steps) -> None:
    """They know it, or know that they do not."""
    poll = await steps.poll()
    await steps.b.uncounted.look()
    steps.a.wires.redis.cut()
    writing = await steps.a.begin(poll)
    deltas = {str(poll.id): await steps.write_ballot(poll)}
    await steps.a.counters.finish(writing, deltas)
    assert steps.b.uncounted.stale


async def test_what_was_marked_is_noted_where_redis_dies_before_the_apply(steps: Steps) -> None:
    poll = await steps.poll()
    writing = await steps.a.begin(poll)
    steps.a.wires.redis.cut()
    deltas = {str(poll.id): await steps.write_ballot(poll)}
    await steps.a.counters.finish(writing, deltas)
    assert await steps.b.trusted(poll) is None


async def test_a_note_ripens_from_its_first_time(steps: Steps) -> None:
    """However many batches follow."""
    poll, watch = await steps.poll(), Watch()
    writer, reader = notes_of(steps, "c", watch), notes_of(steps, "d", watch)
    for step in range(4):
        watch.seconds = step * MARK_SECONDS / 3
        await writer.note(token_hex(8), {str(poll.id): Mark(MarkKind.VOTES, (token_hex(12),))})
        await reader.look()
        assert len(reader.ripe()) == (step == 3)


async def test_a_note_that_was_written_to_since_is_kept(steps: Steps) -> None:
    poll, watch = await steps.poll(), Watch()
    writer, reader = notes_of(steps, "c", watch), notes_of(steps, "d", watch)
    mark = {str(poll.id): Mark(MarkKind.VOTES, (token_hex(12),))}
    await writer.note("first", mark)
    await reader.look()
    read = reader.all()
    await writer.note("second", mark)
    watch.seconds = MARK_SECONDS
    await reader.settle(read)
    assert reader.is_noted(str(poll.id))
    watch.seconds = 2 * MARK_SECONDS
    await reader.settle(reader.all())
    assert not reader.is_noted(str(poll.id))


async def test_a_ripe_note_is_fenced_and_its_counts_given_up(steps: Steps) -> None:
    poll, user, watch = await steps.poll(), token_hex(12), Watch()
    writer, reader = notes_of(steps, "c", watch), notes_of(steps, "d", watch)
    await writer.note(token_hex(8), {str(poll.id): Mark(MarkKind.VOTES, (user,))})
    await reader.look()
    async with counters_of(steps.b, reader) as counters:
        reconciler = steps.b.reconciler_by(counters)
        await reconciler.round()
        assert await steps.ballot(poll, user) is None
        await steps.write_ballot(poll)
        await steps.set_state(poll, missing=0)
        await steps.redis.delete(steps.keys.due)
        watch.seconds = MARK_SECONDS
        await reader.look()
        await reconciler.round()
    empty = await steps.ballot(poll, user)
    assert empty is not None
    assert empty["optionIds"] == []
    tally = await steps.a.trusted(poll)  # given up, or recounted since
    assert tally is None or tally.voters == 1
    assert not reader.is_noted(str(poll.id))


async def test_nothing_is_believed_of_a_redis_that_is_back_before_it_was_told(
    steps: Steps,
) -> None:
    """Each instance gives up what is noted, whoever made the note."""
    poll, watch = await steps.poll(), Watch()
    writer, reader = notes_of(steps, "c", watch), notes_of(steps, "d", watch)
    await writer.note(token_hex(8), {str(poll.id): Mark(MarkKind.VOTES, (token_hex(12),))})
    async with counters_of(steps.b, reader) as counters:
        await steps.b.reconciler_by(counters).settle_all()
    assert (await steps.state(poll))["missing"] == 1


async def test_what_redis_could_not_be_told_is_told_later(steps: Steps) -> None:
    poll = await steps.poll()
    steps.a.counters.remember_missed([str(poll.id)])
    steps.a.wires.redis.cut()
    with pytest.raises(RedisAway):
        await steps.a.counters.give_up_missed()
    await steps.a.has_redis_again()
    await steps.a.counters.give_up_missed()
    assert (await steps.state(poll))["missing"] == 1


async def test_the_votes_of_an_instance_that_is_cut_off_are_no_drift(steps: Steps) -> None:
    poll, before = await steps.poll(), drift._value.get()
    steps.a.wires.redis.cut()
    await steps.a.begin(poll)
    await steps.write_ballot(poll)
    await steps.b.rebuilder.recount(str(poll.id))  # it has not looked at the notes since
    assert drift._value.get() == before


async def test_equal_counts_keep_their_version(steps: Steps) -> None:
    """Whichever instance reads; what is new has a higher one."""
    poll = await steps.poll()
    pid, versions = str(poll.id), []
    for one in (steps.a, steps.b, steps.a):
        versions.append((await one.direct.count([pid], {}))[pid].version)
    assert len(set(versions)) == 1
    await steps.write_ballot(poll)
    assert (await steps.b.direct.count([pid], {}))[pid].version > versions[0]


async def test_of_two_readers_the_later_has_the_higher_version(steps: Steps) -> None:
    """The first one has counted, and labels what it has when the other one is done."""
    poll = await steps.poll()
    pid = str(poll.id)
    await steps.a.direct.count([pid], {})
    await steps.write_ballot(poll)
    label = steps.a.wires.mongo.catch(mongo_command("update", "direct_count"))
    slow = asyncio.create_task(steps.a.direct.count([pid], {}))
    await label.caught()
    await steps.write_ballot(poll)
    quick = (await steps.b.direct.count([pid], {}))[pid]
    label.release()
    assert quick.voters == 2
    assert (await slow)[pid] == quick
    assert (await steps.b.direct.count([pid], {}))[pid] == quick


async def test_a_reading_is_older_than_what_redis_counts_while_it_lasts(steps: Steps) -> None:
    """However long it takes in MongoDB."""
    poll = await steps.poll()
    pid = str(poll.id)
    counting = steps.a.wires.mongo.catch(mongo_command("find", "poll"))
    slow = asyncio.create_task(steps.a.direct.count([pid], {}))
    await counting.caught()
    writing = await steps.b.begin(poll)
    await steps.b.counters.finish(writing, {pid: await steps.write_ballot(poll)})
    counting.release()
    assert (await slow)[pid].version < int((await steps.state(poll))["version"])


async def test_a_reading_is_not_older_than_what_was_counted_before_it_began(steps: Steps) -> None:
    """However long it takes to look up the label of the one before."""
    poll = await steps.poll()
    pid = str(poll.id)
    looking_up = steps.a.wires.mongo.catch(mongo_command("find", "direct_count"))
    slow = asyncio.create_task(steps.a.direct.count([pid], {}))
    await looking_up.caught()
    writing = await steps.b.begin(poll)
    await steps.b.counters.finish(writing, {pid: await steps.write_ballot(poll)})
    looking_up.release()
    tally = (await slow)[pid]
    assert tally.voters == 1
    assert tally.version > int((await steps.state(poll))["version"])


def test_the_clock_of_another_redis_counts_from_its_first_word() -> None:
    watch = Watch()
    clock = VersionClock(wall=lambda: 7.0, elapsed=watch)
    assert clock.now() == 7_000_000
    clock.adjust("one", 100, 0)
    watch.seconds = 1.0
    clock.adjust("one", 100, 500_000)  # its answer was slow: no more than that is known of it
    assert clock.now() == 101_000_000
    clock.adjust("two", 50, 0)
    assert clock.now() == 50_000_000


async def test_a_note_names_no_poll_for_ever(steps: Steps) -> None:
    """Its writes have ended and Redis is told: it goes with the next round of its instance."""
    poll = await steps.poll()
    steps.a.wires.redis.cut()
    writing = await steps.a.begin(poll)
    await steps.a.counters.finish(writing, {})
    await steps.a.has_redis_again()
    await steps.a.uncounted.look()
    await steps.a.reconciler.round()
    assert await steps.database["uncounted"].count_documents({"pollId": ObjectId(poll.id)}) == 0
