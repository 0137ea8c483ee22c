"""The steps of a change of a poll, one by one: its mark, its word, its wait; and deletions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import orjson
import pytest
from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.counting.tally import Mark, MarkKind, PollChange
from quickpoll.errors import PollClosed, Unavailable
from quickpoll.foundation.concurrency.time_limits import CHANGE_ANSWER_SECONDS
from quickpoll.management.models import Deletion
from quickpoll.management.store import DeletionStore
from quickpoll.polls.models import Poll
from quickpoll.repair.finality import Finality
from tests.exact.pair import owner
from tests.exact.stepping import Stepped, Steps, heard

LONG_AGO = 3600.0
the_owner = Caller(owner)


async def announce(one: Stepped, poll: Poll, change: PollChange) -> bool:
    """The mark of a change, and the word of it, with nothing written in between."""
    writing = await one.begin(poll, MarkKind.CHANGE)
    return await one.counters.announce(writing, str(poll.id), change)


async def final(one: Stepped, poll: Poll, ago: float, within: float) -> None:
    """Wait until a change that was made so long ago is final."""
    finality = Finality(one.counters, one.fences, one.rebuilder.recount)
    await finality.wait(str(poll.id), ago, asyncio.get_running_loop().time() + within)


async def test_nobody_goes_by_a_poll_in_memory_while_it_changes(steps: Steps) -> None:
    poll = await steps.poll()
    assert (await steps.b.begin(poll)).revisions == {str(poll.id): 1}
    await steps.a.begin(poll, MarkKind.CHANGE)
    assert (await steps.b.begin(poll)).revisions == {str(poll.id): 0}
    tally = await steps.b.trusted(poll)
    assert tally is not None
    assert not tally.current


async def test_what_a_reader_shows_is_read_anew_while_the_poll_changes(steps: Steps) -> None:
    poll = await steps.poll()
    assert (await steps.b.views.one(the_owner, str(poll.id))).status == "open"
    await steps.a.begin(poll, MarkKind.CHANGE)
    assert await steps.a.polls.change(poll, {"status": "closed"}) is not None
    await steps.b.uncounted.look()
    assert (await steps.b.views.one(the_owner, str(poll.id))).status == "closed"


async def test_one_change_does_not_end_another(steps: Steps) -> None:
    poll = await steps.poll()
    await steps.a.begin(poll, MarkKind.CHANGE)
    assert await announce(steps.b, poll, PollChange("updated", 2))
    assert (await steps.b.begin(poll)).revisions == {str(poll.id): 0}


async def test_what_was_announced_is_what_batches_go_by(steps: Steps) -> None:
    poll = await steps.poll()
    assert await announce(steps.a, poll, PollChange("updated", 2))
    assert (await steps.b.begin(poll)).revisions == {str(poll.id): 2}


async def test_a_change_has_two_versions(steps: Steps) -> None:
    """One for the word of it, the next for what it reveals. Said again only where that is lost."""
    poll = await steps.poll()
    before = int((await steps.state(poll))["version"])
    async with steps.redis.pubsub() as channel:
        await channel.subscribe(steps.keys.updates)
        await announce(steps.a, poll, PollChange("closed", 2))
        [told] = [orjson.loads(one["data"]) for one in await heard(channel, 1)]
        state = await steps.state(poll)
        assert before < told["version"] < int(state["version"])
        await announce(steps.a, poll, PollChange("closed", 2, repeated=True))
        assert (await steps.state(poll))["version"] == state["version"]
        await steps.set_state(poll, revision=1)
        await announce(steps.a, poll, PollChange("closed", 2, repeated=True))
        [again] = [orjson.loads(one["data"]) for one in await heard(channel, 1)]
    assert again["version"] > told["version"]
    assert (await steps.state(poll))["revision"] == 2


async def test_a_repeated_close_says_what_was_not_said(steps: Steps) -> None:
    """The first one was written by an instance that died then."""
    poll = await steps.poll()
    row = {"revision": 2, "at": datetime.now(UTC), "change": "closed", "before": {}, "after": {}}
    fields = {"status": "closed", "closedAt": datetime.now(UTC), "lastChange": row}
    assert await steps.a.polls.change(poll, fields) is not None
    async with steps.redis.pubsub() as channel:
        await channel.subscribe(steps.keys.updates)
        await steps.b.uncounted.look()
        await steps.b.changes.close(the_owner, str(poll.id))
        [told] = [orjson.loads(one["data"]) for one in await heard(channel, 1)]
    assert (told["event"], told["change"]) == ("poll-update", "closed")


async def test_a_change_whose_mark_was_lost_has_its_poll_recounted(steps: Steps) -> None:
    poll = await steps.poll()
    writing = await steps.a.begin(poll, MarkKind.CHANGE)
    await steps.redis.delete(steps.keys.writes(str(poll.id)))
    assert not await steps.a.counters.announce(writing, str(poll.id), PollChange("closed", 2))
    assert await steps.b.trusted(poll) is None


@pytest.mark.parametrize("lost", ["everything", "the state"])
async def test_a_poll_that_was_voted_on_is_not_started_at_nothing(steps: Steps, lost: str) -> None:
    """Its creation comes late to a Redis that has lost the vote's count."""
    poll = await steps.poll()
    await steps.empty_redis()
    creation = await steps.a.begin(poll, MarkKind.CHANGE)
    await steps.write_ballot(poll)
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    if lost == "everything":
        await steps.empty_redis()
    else:
        await steps.redis.delete(steps.keys.state(str(poll.id)))
    options = poll.option_ids()
    await steps.a.counters.create(creation, str(poll.id), options, poll.revision)
    assert await steps.a.trusted(poll) is None


async def test_a_poll_that_was_there_is_not_started_at_nothing(steps: Steps) -> None:
    """Its insert had arrived without anybody's hearing of it, and it was voted on since."""
    poll = await steps.poll()
    await steps.write_ballot(poll)
    await steps.empty_redis()

    again = await steps.a.creation.store(poll)

    assert again.poll == poll
    assert await steps.a.rebuilder.recount(str(poll.id)) == 0
    tally = await steps.a.trusted(poll)
    assert tally is not None
    assert tally.voters == 1


async def test_a_change_is_not_final_while_a_batch_is_under_way(steps: Steps) -> None:
    poll = await steps.poll()
    batch = await steps.b.begin(poll)
    with pytest.raises(Unavailable):
        await final(steps.a, poll, LONG_AGO, 0.3)
    await steps.b.counters.finish(batch, {})
    await final(steps.a, poll, 0.0, 1.0)


async def test_a_change_is_final_when_everybody_knows_what_redis_lacks(steps: Steps) -> None:
    """A ballot is written without Redis, and neither counted nor acknowledged yet. The other
    instance has looked at the notes just before."""
    poll, notes = await steps.poll(), steps.a.uncounted
    marks = {str(poll.id): Mark(MarkKind.VOTES, (token_hex(12),))}
    await steps.b.uncounted.look()
    await notes.note("its token", marks)
    await steps.write_ballot(poll)
    await notes.ended("its token", marks, ())

    await final(steps.b, poll, 0.0, CHANGE_ANSWER_SECONDS)

    assert await steps.b.counters.read([str(poll.id)]) == {str(poll.id): None}


async def test_a_change_is_final_once_a_dead_batch_was_fenced(steps: Steps) -> None:
    poll, user = await steps.poll(), token_hex(12)
    await steps.dead_batch(poll, Mark(MarkKind.VOTES, (user,)))
    await final(steps.a, poll, LONG_AGO, 5.0)
    assert await steps.ballot(poll, user) is not None


async def test_a_change_is_not_final_while_batches_may_be_unmarked(steps: Steps) -> None:
    """Redis has lost the marks."""
    poll = await steps.poll()
    await steps.empty_redis()
    assert await steps.b.rebuilder.recount(str(poll.id)) == 0
    await steps.a.uncounted.look()
    with pytest.raises(Unavailable):
        await final(steps.a, poll, 0.0, 0.3)


async def test_a_change_is_not_final_while_others_write_without_redis(steps: Steps) -> None:
    """A batch of theirs has no mark, and a note; it is fenced where it has not ended by then."""
    poll, user = await steps.poll(), token_hex(12)
    steps.b.wires.redis.cut()
    assert not (await steps.b.begin(poll, MarkKind.VOTES, user)).in_redis
    await steps.a.uncounted.look()
    with pytest.raises(Unavailable):
        await final(steps.a, poll, 0.0, 0.3)
    assert await steps.ballot(poll, user) is None
    await final(steps.a, poll, LONG_AGO, 2.0)
    assert await steps.ballot(poll, user) is not None


async def test_without_redis_a_change_is_final_when_all_must_know_the_note(steps: Steps) -> None:
    """Longer than a mark lives: others may have made marks until then."""
    poll = await steps.poll()
    steps.a.wires.redis.cut()
    with pytest.raises(Unavailable):
        await final(steps.a, poll, 3.0, 0.5)
    await final(steps.a, poll, LONG_AGO, 2.0)


async def test_a_vote_is_judged_again_by_the_poll_as_it_is_now(steps: Steps) -> None:
    """This instance remembers the open poll."""
    poll = await steps.poll()
    await steps.b.polls.get(str(poll.id))
    await steps.a.uncounted.look()
    await steps.a.changes.close(the_owner, str(poll.id))
    known = steps.b.polls.known(str(poll.id))
    assert known is not None
    assert known.poll.status == "open"
    with pytest.raises(PollClosed):
        await steps.b.casting.cast(token_hex(12), str(poll.id), poll.option_ids()[:1])
    assert await steps.database["vote"].count_documents({"optionIds": {"$ne": []}}) == 0


async def test_an_older_reading_of_a_poll_is_not_remembered(steps: Steps) -> None:
    poll = await steps.poll()
    changed = await steps.b.polls.change(poll, {"status": "closed"})
    assert changed is not None
    assert steps.b.polls.remember(poll).poll.status == "closed"
    found = await steps.b.polls.current({str(poll.id): 2})
    assert found[str(poll.id)].poll.status == "closed"


async def test_a_poll_whose_revision_is_not_known_is_read(steps: Steps) -> None:
    poll = await steps.poll()
    await steps.b.polls.get(str(poll.id))
    assert await steps.a.polls.change(poll, {"status": "closed"}) is not None
    for revision in (2, 0):
        found = await steps.b.polls.current({str(poll.id): revision})
        assert found[str(poll.id)].poll.status == "closed"
        steps.b.polls.forget_all()
        steps.b.polls.remember(poll)


def deletion_of(poll: Poll) -> Deletion:
    """The note of a deletion."""
    return Deletion(id=poll.id, option_ids=[one.id for one in poll.options], revision=1)


async def now_due(steps: Steps) -> None:
    """The next sweep of every deletion is now."""
    ago = datetime.now(UTC) - timedelta(seconds=1)
    await steps.database["deletion"].update_many({}, {"$set": {"at": ago}})


async def test_what_arrives_after_a_deletion_is_swept(steps: Steps) -> None:
    poll = await steps.poll()
    await steps.a.deletion.delete(the_owner, str(poll.id))
    await steps.write_ballot(poll)
    for _ in range(2):
        await now_due(steps)
        await steps.b.deletion.sweep()
    assert await steps.database["vote"].count_documents({"pollId": poll.id}) == 0
    assert await steps.database["deletion"].count_documents({"_id": poll.id}) == 1


async def test_a_deletion_that_was_begun_is_finished_by_whoever_looks(steps: Steps) -> None:
    poll = await steps.poll()
    await DeletionStore(steps.a.engine).note(deletion_of(poll))
    await now_due(steps)
    await steps.b.deletion.sweep()
    assert await steps.database["poll"].find_one({"_id": poll.id}) is None
    names = [one async for one in steps.redis.scan_iter(f"{steps.keys.prefix}*{poll.id}*")]
    assert names == []


async def test_a_deletion_is_void_where_the_poll_was_changed_since(steps: Steps) -> None:
    """Its owner was told that it lives."""
    poll = await steps.poll()
    await DeletionStore(steps.a.engine).note(deletion_of(poll))
    assert await steps.a.polls.change(poll, {"status": "closed"}) is not None
    await now_due(steps)
    await steps.b.deletion.sweep()
    assert (await steps.stored(poll))["status"] == "closed"
    assert await steps.database["deletion"].count_documents({"_id": ObjectId(poll.id)}) == 0
