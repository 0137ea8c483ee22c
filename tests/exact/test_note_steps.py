"""How long a note stands, and who knows it: the steps of one that is settled while others write."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import pytest
from pymongo.errors import PyMongoError

from quickpoll.counting import uncounted
from quickpoll.counting.events import EventKind, PollEvent
from quickpoll.counting.former import FormerVersion
from quickpoll.counting.reading import TallyReader
from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.foundation.concurrency.time_limits import MARK_SECONDS, NOTES_STALE_SECONDS
from quickpoll.foundation.stores.mongo import deadline
from quickpoll.repair.reconcile import oldest_write
from tests.exact.framing import mongo_command
from tests.exact.stepping import Steps
from tests.exact.test_change_steps import final
from tests.exact.test_steps_without_redis import Watch, counters_of, notes_of


def somebody() -> Mark:
    """The mark of a batch with one voter."""
    return Mark(MarkKind.VOTES, (token_hex(12),))


async def test_a_note_stands_as_long_as_a_batch_that_it_names_may_write(steps: Steps) -> None:
    """It was first seen long ago, and has ripened; the batch has just begun."""
    poll, watch = await steps.poll(), Watch()
    pid, reader = str(poll.id), notes_of(steps, "d", watch)
    steps.a.wires.redis.cut()
    await steps.a.begin(poll)
    await reader.look()
    watch.seconds = MARK_SECONDS
    writing = await steps.a.begin(poll)
    await reader.look()
    async with counters_of(steps.b, reader) as counters:
        await steps.b.reconciler_by(counters).round()
        await steps.b.rebuilder.recount(pid)
        await steps.a.counters.finish(writing, {pid: await steps.write_ballot(poll)})
        tally = (await counters.read([pid]))[pid]
    assert tally is None or tally.voters == 1
    watch.seconds = 2 * MARK_SECONDS
    await reader.settle(reader.ripe())
    assert not reader.is_noted(pid)


async def test_a_batch_is_as_old_as_it_was_heard_of_and_not_as_it_was_asked_for(
    steps: Steps,
) -> None:
    """MongoDB took its time: the note is younger than the question."""
    poll, watch = await steps.poll(), Watch()
    reader = notes_of(steps, "d", watch)
    question = steps.a.wires.mongo.catch(mongo_command("find", "uncounted"))
    looking = asyncio.create_task(reader.look())
    await question.caught()
    watch.seconds = MARK_SECONDS
    await notes_of(steps, "c", watch).note(token_hex(8), {str(poll.id): somebody()})
    question.release()
    await looking
    assert reader.is_noted(str(poll.id))
    assert reader.ripe() == []


async def test_what_settles_a_note_takes_no_later_one_away(steps: Steps) -> None:
    """It comes late, when another instance has settled that note and a new one stands."""
    poll, watch = await steps.poll(), Watch()
    writer, reader = notes_of(steps, "c", watch), notes_of(steps, "d", watch)
    await writer.note("first", {str(poll.id): somebody()})
    await reader.look()
    watch.seconds = MARK_SECONDS
    late = steps.a.wires.mongo.catch(mongo_command("delete", "uncounted"))
    with pytest.raises(PyMongoError), deadline(0.3):
        await reader.settle(reader.ripe())
    await steps.database["uncounted"].delete_many({})
    await writer.note("second", {str(poll.id): somebody()})
    await late.landed()
    assert len(await reader.on_poll(str(poll.id))) == 1


@pytest.mark.parametrize("looks", [0, 1, 2], ids=["unseen", "gone", "gone, then there"])
async def test_a_note_that_a_late_copy_has_made_is_no_older_for_that(
    steps: Steps, looks: int
) -> None:
    """This instance had one, which was settled; nobody else knows the new one by now."""
    poll, watch = await steps.poll(), Watch()
    pid, writer, notes = str(poll.id), notes_of(steps, "c", watch), steps.database["uncounted"]
    await writer.note("first", {pid: somebody()})
    [copy] = await notes.find({}).to_list()
    await notes.delete_many({})
    watch.seconds = 10.0
    if looks > 0:
        await writer.look()
    await notes.insert_one(copy)
    if looks > 1:
        await writer.look()
    await writer.note("second", {pid: somebody()})
    waiting = asyncio.create_task(writer.known([pid]))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_where_there_are_more_notes_than_are_read_every_poll_counts_as_noted(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uncounted, "MOST_NOTES", 1)
    polls, reader = [await steps.poll() for _ in range(2)], notes_of(steps, "d", Watch())
    for poll in polls:
        await notes_of(steps, "c", Watch()).note(token_hex(8), {str(poll.id): somebody()})
    await reader.look()
    assert [reader.is_noted(str(poll.id)) for poll in polls] == [True, True]


async def test_a_noted_poll_that_differs_is_no_fault_to_a_reconciler_that_could_not_look(
    steps: Steps,
) -> None:
    """It has not seen the note: it asks, and has nothing recounted for nothing."""
    poll, watch = await steps.poll(), Watch()
    notes = notes_of(steps, "d", watch)
    await notes.look()
    await steps.b.uncounted.note(token_hex(8), {str(poll.id): somebody()})
    await steps.write_ballot(poll)
    watch.seconds = NOTES_STALE_SECONDS + 0.1
    async with counters_of(steps.a, notes) as counters:
        reconciler = steps.a.reconciler_by(counters)
        await reconciler.round()  # what it finds of a Redis that it does not know
        await counters.scripts.look_at([str(poll.id)], 0.0, "LT")
        await reconciler.round()
    assert (await steps.state(poll))["missing"] != 0


async def test_what_a_batch_without_a_mark_has_left_is_counted_before_a_change_is_final(
    steps: Steps,
) -> None:
    """Its time is over, and nobody has counted the poll since."""
    poll = await steps.poll()
    await steps.b.uncounted.look()
    await steps.set_state(poll, unsettledUntil=1)
    await steps.write_ballot(poll)
    await final(steps.b, poll, 3600.0, 1.0)
    tally = await steps.b.trusted(poll)
    assert tally is not None
    assert tally.voters == 1


async def test_what_an_instance_of_0_1_has_changed_is_trusted_by_nobody(steps: Steps) -> None:
    poll, former = await steps.poll(), FormerVersion(steps.a.counters)
    former.heard(PollEvent(EventKind.VOTES, str(poll.id), 1, form=None))
    await former.round()
    assert await steps.b.trusted(poll) is None


async def test_marks_are_looked_at_while_mongodb_does_not_say_what_is_noted(steps: Steps) -> None:
    """Their age is to be seen, above all then."""
    poll, watch = await steps.poll(), Watch()
    notes = notes_of(steps, "d", watch)
    await notes.look()
    async with counters_of(steps.a, notes) as counters:
        reconciler = steps.a.reconciler_by(counters)
        await reconciler.round()
        await steps.b.begin(poll)
        oldest_write.set(0)
        steps.a.wires.mongo.cut()
        watch.seconds = NOTES_STALE_SECONDS + 0.1
        await counters.scripts.look_at([str(poll.id)], 0.0, "LT")
        with pytest.raises(PyMongoError):  # every second round looks for a restored MongoDB, too
            await reconciler.round()
        await reconciler.round()
    assert oldest_write._value.get() > 0


async def test_who_could_not_look_for_notes_takes_no_word_of_redis(steps: Steps) -> None:
    poll, watch = await steps.poll(), Watch()
    uncounted = notes_of(steps, "c", watch)
    await uncounted.look()
    steps.a.wires.mongo.cut()
    async with counters_of(steps.a, uncounted) as counters:
        watch.seconds = NOTES_STALE_SECONDS
        assert (await counters.begin({str(poll.id): somebody()})).revisions == {str(poll.id): 1}
        assert (await counters.read([str(poll.id)]))[str(poll.id)] is not None
        watch.seconds += 0.1
        assert (await counters.begin({str(poll.id): somebody()})).revisions == {str(poll.id): 0}
        with pytest.raises(PyMongoError):
            await counters.read([str(poll.id)])


async def test_whoever_reads_counts_looks_for_the_notes_that_were_missed(steps: Steps) -> None:
    """However slow MongoDB is; and of nothing but these polls."""
    noted, other, watch = await steps.poll(), await steps.poll(), Watch()
    uncounted = notes_of(steps, "c", watch)
    await uncounted.look()
    await steps.b.uncounted.note(token_hex(8), {str(noted.id): Mark(MarkKind.VOTES)})
    watch.seconds = NOTES_STALE_SECONDS + 0.1
    steps.a.wires.mongo.delay(0.4, "up")
    async with counters_of(steps.a, uncounted) as counters:
        found = await counters.read([str(noted.id), str(other.id)])
    assert [found[str(poll.id)] is not None for poll in (noted, other)] == [False, True]


async def test_who_could_not_look_for_notes_counts_in_mongodb_and_waits_for_no_recount(
    steps: Steps,
) -> None:
    """Of a noted poll a recount brings nothing that may be trusted."""
    poll, watch, recounted = await steps.poll(), Watch(), list[str]()
    uncounted = notes_of(steps, "c", watch)
    await uncounted.look()
    await steps.b.uncounted.note(token_hex(8), {str(poll.id): Mark(MarkKind.VOTES)})
    await steps.write_ballot(poll)
    watch.seconds = NOTES_STALE_SECONDS + 0.1

    async def recount(poll_id: str) -> None:
        recounted.append(poll_id)

    async with counters_of(steps.a, uncounted) as counters:
        reader = TallyReader(counters, steps.a.census, steps.a.direct, recount, lambda _: None)
        reader.start()
        tally = await reader.read_one(str(poll.id))
        await reader.aclose()
    assert tally is not None
    assert (tally.voters, recounted) == (1, [])
