"""What is acknowledged is in every count that anybody trusts, whoever has written it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_hex
from unittest.mock import Mock

import pytest

from quickpoll.counting.counted_path import Written
from quickpoll.counting.counters import Writing
from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.foundation.stores.redis import RedisAway
from quickpoll.polls.models import Poll
from quickpoll.votes.batch import Outcome
from tests.exact.stepping import Steps
from tests.exact.test_note_steps import somebody


async def repeated(steps: Steps, poll: Poll, user: str) -> None:
    """The same vote comes again, to the other instance, which finds it standing; from then on
    nobody may go by counts without it."""
    again = await steps.b.casting.cast(user, str(poll.id), poll.option_ids()[:1])
    assert again.outcome is Outcome.SAME
    state = await steps.state(poll)
    assert (state["missing"], state["voters"]) != (0, 0), "trusted, and without the ballot"


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "too new to be known"])
async def test_a_ballot_that_redis_lacks_is_not_acknowledged_by_somebody_else_uncounted(
    steps: Steps, *, is_known: bool
) -> None:
    """It is written without Redis, and not answered yet. A third instance may not know the note:
    it goes by the state."""
    poll, user = await steps.poll(), token_hex(12)
    marks = {str(poll.id): Mark(MarkKind.VOTES, (user,))}
    await steps.b.uncounted.look()
    await steps.a.uncounted.note(token_hex(8), marks)
    await steps.write_ballot(poll, user=user)
    if is_known:
        await steps.b.uncounted.look()
    await repeated(steps, poll, user)


async def test_a_ballot_whose_mark_was_lost_is_not_acknowledged_uncounted(steps: Steps) -> None:
    """Its poll was counted before it was written, and batches without a mark may be under way."""
    poll, user = await steps.poll(), token_hex(12)
    await steps.b.uncounted.look()
    await steps.set_state(poll, unsettledUntil=1)
    await steps.write_ballot(poll, user=user)
    await repeated(steps, poll, user)


async def test_a_ballot_that_is_repeated_after_the_close_is_not_acknowledged_uncounted(
    steps: Steps,
) -> None:
    """Its batch is still to be counted; the repetition is in none."""
    poll, user = await steps.poll(), token_hex(12)
    await steps.b.uncounted.look()
    await steps.a.begin(poll, MarkKind.VOTES, user)
    await steps.write_ballot(poll, user=user)
    assert await steps.b.polls.change(poll, {"status": "closed", "closedAt": datetime.now(UTC)})
    await repeated(steps, poll, user)


async def test_what_a_batch_without_redis_finds_is_acknowledged_when_everybody_knows_the_note(
    steps: Steps,
) -> None:
    """A vote that is repeated while its first try waits for that: it changes nothing."""
    poll, user = await steps.poll(), token_hex(12)
    await steps.b.uncounted.look()
    steps.a.wires.redis.cut()
    writing = await steps.a.begin(poll, MarkKind.VOTES, user)
    await steps.write_ballot(poll, user=user)
    assert not steps.b.uncounted.stale
    await steps.a.counters.finish(writing, {}, found=[str(poll.id)])
    assert steps.b.uncounted.stale


async def test_what_a_batch_finds_is_noted_where_redis_dies_before_its_apply(steps: Steps) -> None:
    """Whoever wrote it may be dead, and its mark makes nobody doubt the counts yet."""
    poll, user = await steps.poll(), token_hex(12)
    await steps.b.begin(poll, MarkKind.VOTES, user)
    await steps.write_ballot(poll, user=user)
    writing = await steps.a.begin(poll, MarkKind.VOTES, user)
    steps.a.wires.redis.cut()
    await steps.a.counters.finish(writing, {}, found=[str(poll.id)])
    assert await steps.b.trusted(poll) is None


async def test_what_confirms_a_ballot_comes_to_its_end_though_its_caller_leaves(
    steps: Steps,
) -> None:
    """Else its note would name the user until somebody has fenced what nobody has sent."""
    poll = await steps.poll()
    steps.a.wires.redis.cut()
    noting = steps.a.wires.mongo.catch(b"uncounted", poll.id.binary, b"$push", answers=True)
    confirming = asyncio.create_task(steps.a.path.acknowledge(str(poll.id), token_hex(12)))
    await noting.done()
    confirming.cancel()
    noting.release()
    with suppress(asyncio.CancelledError):
        await confirming
    await steps.a.path.aclose()
    [note] = await steps.b.uncounted.on_poll(str(poll.id))
    assert note.marks() == []


async def away(poll_ids: list[str]) -> None:
    """Redis cannot be told to give the counts of these polls up."""
    raise RedisAway


@pytest.mark.parametrize("way", ["erased", "confirmed"])
async def test_a_doubt_that_redis_did_not_hear_is_told_later(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """It was away for a moment; whatever comes next reaches it."""
    poll, user = await steps.poll(), token_hex(12)
    pid = str(poll.id)
    await steps.b.uncounted.note(token_hex(8), {pid: somebody()})
    with monkeypatch.context() as patch:
        patch.setattr(steps.a.counters.scripts, "give_up", away)
        if way == "erased":
            await steps.a.path.distrust([pid])
        else:
            await steps.a.path.acknowledge(pid, user)
    await steps.a.counters.give_up_missed()
    assert (await steps.state(poll))["missing"] != 0


async def test_what_is_doubted_is_noted_where_redis_cannot_be_told(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is back before the apply, which knows nothing of the doubt."""
    poll, user = await steps.poll(), token_hex(12)
    pid = str(poll.id)

    async def write(writing: Writing, written: Written) -> None:
        await steps.b.uncounted.note(token_hex(8), {pid: somebody()})  # and dies before its end
        written.found.add(pid)
        monkeypatch.setattr(steps.a.counters.scripts, "give_up", away)

    await steps.a.uncounted.look()
    await steps.a.path.write_batch({pid: Mark(MarkKind.VOTES, (user,))}, write)
    assert {note.instance for note in await steps.b.uncounted.on_poll(pid)} == {
        steps.a.instance,
        steps.b.instance,
    }


@pytest.mark.parametrize("way", ["repeated after the close", "taken back twice"])
async def test_what_stands_is_acknowledged_without_redis_when_everybody_knows_the_note(
    steps: Steps, way: str
) -> None:
    """In no batch: its own note tells the others that their counts may lack it."""
    poll, user = await steps.poll(allow_vote_change=True), token_hex(12)
    if way == "repeated after the close":
        await steps.write_ballot(poll, user=user)
        await steps.b.polls.change(poll, {"status": "closed", "closedAt": datetime.now(UTC)})
    await steps.b.uncounted.look()
    steps.a.wires.redis.cut()
    if way == "taken back twice":
        await steps.a.casting.retract(user, str(poll.id))
    else:
        await steps.a.casting.cast(user, str(poll.id), poll.option_ids()[:1])
    assert steps.b.uncounted.stale
    assert await steps.b.trusted(poll) is None


async def test_who_has_nothing_makes_nobody_doubt_the_counts(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are voting; somebody without a ballot takes it back: that needs no batch."""
    poll, batches = await steps.poll(), Mock(wraps=steps.b.path.write_batch)
    monkeypatch.setattr(steps.b.path, "write_batch", batches)
    await steps.b.uncounted.look()
    await steps.a.begin(poll)
    await steps.b.casting.retract(token_hex(12), str(poll.id))
    assert (await steps.state(poll))["missing"] == 0
    batches.assert_not_called()
