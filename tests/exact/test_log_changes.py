"""The log of a poll that is edited, closed, reopened, hidden, erased from or deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex

import pytest

from quickpoll.errors import Unavailable
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.management.bodies import PollUpdate
from quickpoll.transparency import sequencer
from quickpoll.votes.log_entries import brought_by_erasure
from tests.exact.framing import mongo_command
from tests.exact.log_stepping import cast, lines, the_owner, verifiable
from tests.exact.stepping import Steps, stepping
from tests.integration.log_harness import log_settings


@pytest.fixture
async def steps(stores: StoreAddresses, name: str) -> AsyncIterator[Steps]:
    """Two instances A and B that sign logs, in which nothing runs by itself."""
    async with stepping(stores, name, **log_settings) as steps:
        yield steps


async def test_an_edit_comes_before_the_first_vote_on_it(steps: Steps) -> None:
    """Both are made while the sequencer is about to look at the ballots."""
    poll, user = await verifiable(steps), token_hex(12)
    caught = steps.a.wires.mongo.catch(mongo_command("find", "vote"))
    working = asyncio.create_task(
        steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    )
    await caught.caught()
    await steps.b.uncounted.look()
    edit = PollUpdate.model_validate({"question": "Which one?"})
    held = steps.b.wires.mongo.catch(mongo_command("find", "log"))
    editing = asyncio.create_task(steps.b.changes.update(the_owner, str(poll.id), edit))
    await held.caught()  # it is written, and not logged
    await cast(steps.b, poll, user)
    caught.release()
    await working
    held.release()
    await editing
    assert [one.split()[0] for one in await lines(steps.a, poll)] == ["poll", "poll", "cast"]


async def test_a_close_is_not_logged_before_it_is_final(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that may have gone by the open poll is still under way."""
    monkeypatch.setattr(sequencer, "CHANGE_ANSWER_SECONDS", 0.3)
    poll = await verifiable(steps)
    writing = await steps.a.begin(poll)
    changed = {"status": "closed", "closedAt": datetime.now(UTC), "logPhase": 1, "logDue": "due"}
    assert await steps.b.polls.change(poll, changed) is not None
    await steps.b.uncounted.look()
    with pytest.raises(Unavailable):
        await steps.b.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    assert await lines(steps.b, poll) == (await lines(steps.b, poll))[:1]
    await steps.a.counters.finish(writing, {})
    await steps.b.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    assert (await lines(steps.b, poll))[-1].startswith("close 0 ")


async def test_a_poll_is_not_reopened_before_its_close_is_logged(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its counts could not be told any more. Who has closed it does not come to it."""
    monkeypatch.setattr(steps.a.log_room.rounds, "soon", lambda _: None)
    poll = await verifiable(steps)
    await cast(steps.a, poll, token_hex(12))
    await steps.a.uncounted.look()
    await steps.a.changes.close(the_owner, str(poll.id))
    await steps.b.uncounted.look()
    await steps.b.changes.reopen(the_owner, str(poll.id))
    found = await lines(steps.b, poll)
    assert [one.split()[0] for one in found] == ["poll", "cast", "close", "reopen"]
    assert found[2].startswith("close 1 ")


async def test_an_erased_ballot_counts_no_longer_or_is_sealed(steps: Steps) -> None:
    """Before the close, and after it: then its opening goes with the entry that says so."""
    poll = await verifiable(steps)
    poll_id, users = str(poll.id), [token_hex(12) for _ in range(7)]
    for user in users:
        await cast(steps.a, poll, user)
    now, votes, log_room = datetime.now(UTC), steps.a.votes, steps.a.log_room
    first = (await votes.standing(poll_id, users[:1]))[users[0]]
    assert await votes.retract(first, now, brought_by_erasure(poll, first, is_open=True))
    await steps.a.uncounted.look()
    await steps.a.changes.close(the_owner, poll_id)
    await log_room.rounds.keep_up(poll_id, with_ballots=True)
    found = await lines(steps.a, poll)
    assert found[-1].startswith("close 6 ")
    assert (await log_room.files.openings(poll_id, None)).body.count(b"\n") == 6
    second = (await votes.standing(poll_id, users[1:2]))[users[1]]
    erased = brought_by_erasure(poll, second, is_open=False)
    assert erased is not None
    assert await votes.change(second, second, now, erased)
    await log_room.rounds.keep_up(poll_id, with_ballots=True)
    after = await lines(steps.a, poll)
    assert after[len(found) :] == [erased.lines[0].entry]
    assert (await log_room.files.openings(poll_id, None)).body.count(b"\n") == 5
    stored = await steps.ballot(poll, users[1])
    assert stored is not None
    assert stored["log"].keys() & {"pepper", "salt", "waiting"} == set()


async def test_what_was_promised_openly_is_published_though_results_are_hidden_now(
    steps: Steps,
) -> None:
    """Its voter has changed the ballot since: that comes with the close."""
    poll, user = await verifiable(steps), token_hex(12)
    first = await cast(steps.a, poll, user)
    assert await steps.a.polls.change(poll, {"results": "after_close"}) is not None
    steps.b.polls.forget_all()
    second = await cast(steps.b, poll, user, 1)
    for _ in range(2):
        await steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
        assert (await lines(steps.a, poll))[1:] == [first]
    await steps.a.uncounted.look()
    await steps.a.changes.close(the_owner, str(poll.id))
    await steps.a.log_room.rounds.keep_up(str(poll.id), with_ballots=True)
    assert (await lines(steps.a, poll))[1:3] == [first, second]


async def test_a_deletion_asks_the_logs_only_of_polls_that_have_one(steps: Steps) -> None:
    """What stands there under the id of another poll, put there by hand, is not looked at."""
    logged, plain = await verifiable(steps), await steps.poll()
    await steps.database["log"].insert_one({"_id": plain.id})
    for poll in (logged, plain):
        await steps.a.uncounted.look()
        await steps.a.deletion.delete(the_owner, str(poll.id))
    left = [one["_id"] async for one in steps.database["log"].find()]
    assert left == [plain.id]
    assert await steps.database["log_tile"].count_documents({}) == 0
