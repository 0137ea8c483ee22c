"""The first vote fixes what voters rely on: between it and an edit one write decides."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import pytest

from quickpoll.auth.caller import Caller
from quickpoll.errors import PollHasVotes
from quickpoll.management.bodies import PollUpdate
from tests.exact.framing import mongo_command
from tests.exact.pair import owner
from tests.exact.stepping import Steps

the_owner = Caller(owner)
edit = PollUpdate.model_validate({"question": "Which one?"})


async def test_a_first_vote_does_not_lock_a_poll_that_was_edited(steps: Steps) -> None:
    """It was judged by the poll as it was; so it is judged again."""
    poll, other = await steps.poll(), await steps.poll()
    await steps.a.uncounted.look()
    for one in (poll, other):
        await steps.a.changes.update(the_owner, str(one.id), edit)
    assert not await steps.b.polls.lock(poll)
    assert not await steps.b.polls.lock_all([poll, other])
    assert [(await steps.stored(one))["votedOn"] for one in (poll, other)] == [False, False]


async def test_an_edit_does_not_change_a_poll_that_was_voted_on(steps: Steps) -> None:
    """It has read the poll before the first vote, and writes after it."""
    poll = await steps.poll()
    await steps.a.uncounted.look()
    writing = steps.a.wires.mongo.catch(mongo_command("update", "poll"))
    editing = asyncio.create_task(steps.a.changes.update(the_owner, str(poll.id), edit))
    await writing.caught()
    await steps.b.casting.cast(token_hex(12), str(poll.id), poll.option_ids()[:1])
    writing.release()
    with pytest.raises(PollHasVotes):
        await editing
    assert (await steps.stored(poll))["question"] == poll.question
