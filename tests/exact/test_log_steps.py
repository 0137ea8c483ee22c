"""The log of a verifiable poll over deaths: each entry once, whatever ends where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import pytest

from quickpoll.auth.caller import Caller
from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.time_limits import LEASE_SECONDS, MARGIN_SECONDS
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.management.bodies import PollUpdate
from quickpoll.polls.models import Poll
from quickpoll.transparency import rules, sequencer
from quickpoll.transparency.heads import Forgotten
from quickpoll.transparency.lease import sequencer_lease
from quickpoll.verification import tiles, tree
from quickpoll.verification.entries import parse_entry
from quickpoll.verification.fold import Fold
from quickpoll.verification.notes import open_checkpoint, parse_keys
from quickpoll.votes.log_entries import brought_by_erasure
from tests.exact.cutting import Moment, cut_off
from tests.exact.framing import mongo_command
from tests.exact.pair import owner
from tests.exact.stepping import Stepped, Steps, stepping
from tests.integration.log_harness import log_settings

the_owner = Caller(owner, False, 4e9)


@pytest.fixture
async def steps(stores: StoreAddresses, name: str) -> AsyncIterator[Steps]:
    """Two instances A and B that sign logs, in which nothing runs by itself."""
    async with stepping(stores, name, **log_settings) as steps:
        yield steps


async def verifiable(steps: Steps, **fields: Any) -> Poll:
    return await steps.poll(verifiable=True, allow_vote_change=True, **fields)


async def cast(one: Stepped, poll: Poll, user: str, place: int = 0) -> str:
    """A vote; answers the entry that its voter is promised."""
    await one.uncounted.look()
    result = await one.casting.cast(user, str(poll.id), [poll.option_ids()[place]])
    assert result.promise is not None
    return result.promise.entry.decode()


async def lines(one: Stepped, poll: Poll) -> list[str]:
    """The entries that are published, each allowed where it stands, under the root that is
    signed."""
    poll_id = str(poll.id)
    head = (await one.log_room.store.published([poll_id]))[poll_id]
    keys = parse_keys(one.log_room.signers.published)
    checkpoint, _ = open_checkpoint(head.note, keys)
    assert (checkpoint.size, checkpoint.root) == (head.size, head.root)
    paths = [place.full_path for place in tiles.places(None, head.size)]
    bundles = await one.log_room.store.contents(poll_id, paths)
    found = [line for path in paths for line in tiles.unbundle(bundles[path])][: head.size]
    assert tree.root([tree.leaf_hash(line) for line in found]) == head.root
    fold = Fold(poll_id)
    for line in found:
        fold.apply(parse_entry(line))
    return [line.decode() for line in found]


async def nothing_waits(steps: Steps, poll: Poll) -> bool:
    waiting = {
        "pollId": poll.id,
        "$or": [{"unlogged": {"$exists": True}}, {"log.waiting": {"$exists": True}}],
    }
    return await steps.database["vote"].count_documents(waiting) == 0


@pytest.mark.parametrize("moment", ["early", "late"])
async def test_a_step_that_was_cut_off_is_finished_by_whoever_comes_next(
    steps: Steps, moment: Moment
) -> None:
    """At every wait; meanwhile a ballot of that step is changed, and another one cast."""
    user, nth, made = token_hex(12), 0, True
    while made:
        poll = await verifiable(steps)
        wanted = [await cast(steps.a, poll, one) for one in (user, token_hex(12))]
        made = await cut_off(
            steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True), nth, moment
        )
        before = await lines(steps.b, poll)
        wanted += [await cast(steps.b, poll, user, 1), await cast(steps.b, poll, token_hex(12))]
        await steps.b.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
        after = await lines(steps.b, poll)
        assert after[: len(before)] == before
        assert sorted(after[1:]) == sorted(wanted), nth
        assert after.index(wanted[0]) < after.index(wanted[2])
        assert await nothing_waits(steps, poll)
        nth += 1
    assert nth > 6


@pytest.mark.parametrize("moment", ["early", "late"])
async def test_a_long_close_of_a_sealed_log_is_published_at_once(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, moment: Moment
) -> None:
    """It takes three steps, and is cut off at every fifth wait."""
    monkeypatch.setattr(sequencer, "MOST_OF_A_STEP", 2)
    nth, made = 0, True
    while made:
        poll = await verifiable(steps, results="after_close")
        wanted = [await cast(steps.a, poll, token_hex(12)) for _ in range(5)]
        closed = await steps.a.polls.change(
            (await steps.a.polls.fresh(str(poll.id))).poll,
            {"status": "closed", "closedAt": datetime.now(UTC), "logPhase": 1, "logDue": "due"},
        )
        assert closed is not None
        await steps.a.uncounted.look()
        made = await cut_off(
            steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True), nth, moment
        )
        before = await lines(steps.b, poll)
        assert len(before) in (1, 7)
        await steps.b.uncounted.look()
        await steps.b.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
        after = await lines(steps.b, poll)
        assert sorted(after[1:-1]) == sorted(wanted), nth
        assert after[-1].startswith("close 5 ")
        assert await nothing_waits(steps, poll)
        nth += 5
    assert nth > 20


async def test_what_does_not_fit_into_a_step_comes_with_the_next(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, not in another round."""
    monkeypatch.setattr(sequencer, "MOST_OF_A_STEP", 2)
    poll = await verifiable(steps)
    wanted = [await cast(steps.a, poll, token_hex(12)) for _ in range(5)]
    await steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    assert sorted((await lines(steps.a, poll))[1:]) == sorted(wanted)
    assert await nothing_waits(steps, poll)


async def test_what_an_instance_remembers_of_a_log_may_be_out_of_date(steps: Steps) -> None:
    """Another one has written to it since: nothing begins from there, and no edge is kept."""
    poll, a, b = await verifiable(steps), steps.a, steps.b
    wanted = []
    for one in (a, b, a, a, b):
        wanted.append(await cast(one, poll, token_hex(12)))
        await one.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
        assert sorted((await lines(a, poll))[1:]) == sorted(wanted)


async def test_two_that_work_on_one_log_harm_nothing(steps: Steps) -> None:
    poll = await verifiable(steps)
    wanted = [await cast(steps.a, poll, token_hex(12)) for _ in range(3)]
    for _ in range(10):
        both = [
            one.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
            for one in (steps.a, steps.b)
        ]
        fresh = [cast(steps.a, poll, token_hex(12)), cast(steps.b, poll, token_hex(12))]
        _, _, *cast_now = await asyncio.gather(*both, *fresh)
        wanted += [str(one) for one in cast_now]
    await steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    assert sorted((await lines(steps.a, poll))[1:]) == sorted(wanted)


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


async def test_a_poll_is_not_reopened_before_its_close_is_logged(steps: Steps) -> None:
    """Its counts could not be told any more."""
    poll = await verifiable(steps)
    await cast(steps.a, poll, token_hex(12))
    await steps.a.uncounted.look()
    await steps.a.changes.close(the_owner, str(poll.id))
    await steps.b.uncounted.look()
    await steps.b.changes.reopen(the_owner, str(poll.id))
    found = await lines(steps.b, poll)
    assert [one.split()[0] for one in found] == ["poll", "cast", "close", "reopen"]
    assert found[2].startswith("close 1 ")


async def test_a_log_that_was_never_begun_is_found(steps: Steps) -> None:
    """Its instance has died between the poll and its log."""
    poll = await verifiable(steps)
    for name in ("log", "log_tile"):
        await steps.database[name].delete_many({})
    await steps.empty_redis()
    await steps.database["poll"].update_one({"_id": poll.id}, {"$set": {"logDue": "new"}})
    await steps.b.log_room.rounds.round()
    await steps.b.log_room.rounds.keep_up(str(poll.id))
    assert len(await lines(steps.b, poll)) == 1
    assert await steps.a.polls.with_logs_due(10) == []


async def test_what_waits_is_found_whoever_was_to_log_it(steps: Steps) -> None:
    poll = await verifiable(steps)
    entries = [await cast(steps.a, poll, token_hex(12)) for _ in range(4)]
    assert await steps.b.log_room.waiting.next_poll("") == str(poll.id)
    assert await steps.b.log_room.waiting.next_poll(str(poll.id)) is None
    rounds = steps.b.log_room.rounds
    await rounds.round()
    await asyncio.gather(*rounds._tasks.values())
    assert sorted((await lines(steps.b, poll))[1:]) == sorted(entries)


async def test_nothing_is_signed_that_contradicts_what_was_signed(steps: Steps) -> None:
    """MongoDB is restored from a backup; Redis remembers."""
    poll = await verifiable(steps)
    collections = ("log", "log_tile", "vote")
    backup = {name: await steps.database[name].find().to_list() for name in collections}
    await cast(steps.a, poll, token_hex(12))
    await steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    assert len(await lines(steps.a, poll)) == 2
    for name, documents in backup.items():
        await steps.database[name].delete_many({})
        if documents:
            await steps.database[name].insert_many(documents)
    await cast(steps.b, poll, token_hex(12))
    with pytest.raises(Forgotten):
        await steps.b.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    assert len(await lines(steps.b, poll)) == 1


async def test_a_log_goes_on_without_redis(steps: Steps) -> None:
    poll = await verifiable(steps)
    entry = await cast(steps.a, poll, token_hex(12))
    await steps.empty_redis()
    await steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    assert (await lines(steps.a, poll))[1:] == [entry]
    steps.a.wires.redis.cut()
    another = await cast(steps.b, poll, token_hex(12))
    await steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    assert (await lines(steps.a, poll))[2:] == [another]


async def test_the_lease_of_who_has_died_is_taken_over(
    steps: Steps,
) -> None:
    passed = 0.0
    first, second = (
        sequencer_lease(one.engine, name, lambda: passed)
        for one, name in ((steps.a, "a"), (steps.b, "b"))
    )
    assert await first.hold()
    assert not await second.hold()
    assert await first.hold()
    await first.leave()
    assert await second.hold()
    assert not await first.hold()
    passed = LEASE_SECONDS + 2 * MARGIN_SECONDS
    assert await first.hold()


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


async def test_several_wishes_of_one_voter_at_once_have_an_entry_each(steps: Steps) -> None:
    """One write brings them all; each was answered, and promised."""
    poll, user = await verifiable(steps), token_hex(12)
    wanted = [await cast(steps.a, poll, user)]
    wanted += await asyncio.gather(*[cast(steps.a, poll, user, place) for place in (1, 2, 1)])
    await steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    found = (await lines(steps.a, poll))[1:]
    assert len(found) == len({*found})
    assert {*found} == {*wanted}


async def test_a_voter_who_changes_again_and_again_fits_into_steps(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one ballot a step takes a part; the close comes after the last."""
    monkeypatch.setattr(rules, "MOST_LINES", 3)
    poll, user = await verifiable(steps, results="after_close"), token_hex(12)
    wanted = [await cast(steps.a, poll, user, number % 3) for number in range(8)]
    await steps.a.uncounted.look()
    await steps.a.changes.close(the_owner, str(poll.id))
    await steps.a.log_room.rounds.keep_up(str(poll.id), with_ballots=True)
    found = await lines(steps.a, poll)
    assert found[1:-1] == wanted
    assert found[-1].startswith("close 1 ")


async def test_who_wakes_late_moves_nothing(steps: Steps) -> None:
    """Its step was ended, and another one made, while it slept before its last write."""
    poll = await verifiable(steps)
    await cast(steps.a, poll, token_hex(12))
    store, nth, asleep = steps.a.log_room.store, 0, None
    while asleep is None or asleep.journal is None:
        work = steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
        assert await cut_off(work, nth, "late")
        asleep, nth = await store.read(str(poll.id)), nth + 1
    await cast(steps.b, poll, token_hex(12))
    await steps.b.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    before = await lines(steps.b, poll)
    assert not await store.end(asleep, asleep.size, asleep.published)
    assert await lines(steps.b, poll) == before


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
