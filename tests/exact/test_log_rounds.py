"""When the log of a poll is written to: whoever waits for company or rests, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from secrets import token_hex

import pytest

from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.polls.models import Poll
from quickpoll.transparency.rounds import COMPANY_SECONDS, FEW, REST_SECONDS, SequencerRounds
from tests.exact.stepping import Steps, stepping
from tests.integration.log_harness import log_settings


@pytest.fixture
async def steps(stores: StoreAddresses, name: str) -> AsyncIterator[Steps]:
    """Two instances A and B that sign logs, in which nothing runs by itself."""
    async with stepping(stores, name, **log_settings) as steps:
        yield steps


class Rounds:
    """The rounds of instance A, by a clock of their own."""

    def __init__(self, steps: Steps) -> None:
        self.now = 100.0
        self._one = steps.a
        room = steps.a.log_room
        parts = room.sequencer, room.rounds._lease, steps.a.polls, room.waiting
        self._rounds = SequencerRounds(*parts, newest_key="a key", clock=lambda: self.now)

    async def after(self, seconds: float, poll: Poll) -> int:
        """Make a round so much later; answers how many ballots the log then has."""
        self.now += seconds
        await self._rounds.round()
        await asyncio.gather(*self._rounds._tasks.values())
        state = await self._one.log_room.store.read(str(poll.id))
        assert state is not None
        return state.told.held

    async def cast(self, poll: Poll, ballots: int) -> None:
        """So many votes at once."""
        await self._one.uncounted.look()
        option = poll.option_ids()[0]
        cast = self._one.casting.cast
        await asyncio.gather(*[cast(token_hex(12), str(poll.id), [option]) for _ in range(ballots)])


async def test_few_wait_for_company_and_not_for_ever(steps: Steps) -> None:
    rounds, poll = Rounds(steps), await steps.poll(verifiable=True)
    await rounds.cast(poll, FEW - 1)
    assert await rounds.after(0.0, poll) == 0
    assert await rounds.after(COMPANY_SECONDS - 0.1, poll) == 0
    assert await rounds.after(0.1, poll) == FEW - 1


async def test_a_log_rests_after_a_step(steps: Steps) -> None:
    """A step costs the same for few ballots as for hundreds."""
    rounds, poll = Rounds(steps), await steps.poll(verifiable=True)
    await rounds.cast(poll, FEW)
    assert await rounds.after(0.0, poll) == FEW
    await rounds.cast(poll, FEW)
    assert await rounds.after(REST_SECONDS - 0.1, poll) == FEW
    assert await rounds.after(0.1, poll) == 2 * FEW


async def test_rest_and_company_are_one_wait(steps: Steps) -> None:
    """Else both together would come near the ten seconds within which an entry is published."""
    rounds, poll = Rounds(steps), await steps.poll(verifiable=True)
    await rounds.cast(poll, FEW)
    assert await rounds.after(0.0, poll) == FEW
    await rounds.cast(poll, 1)
    assert await rounds.after(0.0, poll) == FEW
    assert await rounds.after(COMPANY_SECONDS, poll) == FEW + 1
