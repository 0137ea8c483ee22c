"""The log of a verifiable poll over deaths: each entry once, whatever ends where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex

import pytest

from quickpoll.foundation.concurrency.time_limits import LEASE_SECONDS, MARGIN_SECONDS
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.transparency import rules, sequencer
from quickpoll.transparency.heads import Forgotten
from quickpoll.transparency.lease import sequencer_lease
from tests.exact.cutting import Moment, cut_off
from tests.exact.log_stepping import cast, lines, nothing_waits, the_owner, verifiable
from tests.exact.stepping import Steps, stepping
from tests.integration.log_harness import log_settings


@pytest.fixture
async def steps(stores: StoreAddresses, name: str) -> AsyncIterator[Steps]:
    """Two instances A and B that sign logs, in which nothing runs by itself."""
    async with stepping(stores, name, **log_settings) as steps:
        yield steps


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
