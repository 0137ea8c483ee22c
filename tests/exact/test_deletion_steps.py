"""The steps of a deletion that comes late, or meets a poll that was changed meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from pymongo.errors import PyMongoError

from quickpoll.foundation.stores.mongo import deadline
from quickpoll.management.store import DeletionStore
from tests.exact.framing import mongo_command
from tests.exact.stepping import Steps
from tests.exact.test_change_steps import deletion_of, now_due, the_owner


async def test_a_deletion_that_comes_late_deletes_no_poll_that_lives(steps: Steps) -> None:
    """Its owner was told 503, and has changed the poll since."""
    poll = await steps.poll()
    late = steps.a.wires.mongo.catch(mongo_command("delete", "poll"))
    with pytest.raises(PyMongoError), deadline(0.5):
        await steps.a.deletion.delete(the_owner, str(poll.id))
    assert await steps.b.polls.change(poll, {"allowVoteChange": True}) is not None
    await late.landed()
    assert (await steps.stored(poll))["allowVoteChange"] is True


async def test_a_sweep_takes_nothing_of_a_poll_that_was_changed_just_now(steps: Steps) -> None:
    """After it was seen that the deletion is not void."""
    poll = await steps.poll()
    await DeletionStore(steps.a.engine).note(deletion_of(poll))
    await steps.write_ballot(poll)
    await now_due(steps)
    seen = steps.b.wires.mongo.catch(mongo_command("find", "poll"), answers=True)
    sweeping = asyncio.create_task(steps.b.deletion.sweep())
    await seen.done()
    assert await steps.a.polls.change(poll, {"allowVoteChange": True}) is not None
    seen.release()
    await sweeping
    assert (await steps.stored(poll))["allowVoteChange"] is True
    assert await steps.database["vote"].count_documents({"pollId": poll.id}) == 1
    assert await steps.a.trusted(poll) is not None
    assert await steps.marks(poll) == {}


async def test_whoever_deletes_a_poll_that_is_changed_meanwhile_deletes_it_as_it_is(
    steps: Steps,
) -> None:
    poll = await steps.poll()
    removal = steps.a.wires.mongo.catch(mongo_command("delete", "poll"))
    deleting = asyncio.create_task(steps.a.deletion.delete(the_owner, str(poll.id)))
    await removal.caught()
    assert await steps.b.polls.change(poll, {"allowVoteChange": True}) is not None
    removal.release()
    await deleting
    assert await steps.database["poll"].find_one({"_id": poll.id}) is None


async def test_a_deletion_that_was_void_ends_no_later_one(steps: Steps) -> None:
    """What forgets it comes late, or what says that it was swept."""
    poll, store = await steps.poll(), DeletionStore(steps.a.engine)
    await store.note(deletion_of(poll))
    await now_due(steps)
    [read] = await store.due()
    await store.note(deletion_of(poll))
    [noted] = await steps.database["deletion"].find({}).to_list()
    await store.swept(read)
    await store.forget(read)
    assert await steps.database["deletion"].find({}).to_list() == [noted]
