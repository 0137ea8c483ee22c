"""Casting: what becomes of a ballot between the request and its acknowledgement.

Ballots that arrive together are written in one insert; the unique index judges doubles. Each
submitter gets an outcome of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from quickpoll.counting.counted_path import CountedPath, Written, marks_of
from quickpoll.counting.counters import Writing
from quickpoll.counting.tally import MarkKind
from quickpoll.errors import (
    PollClosed,
    QuickPollError,
)
from quickpoll.foundation.concurrency.batching import Batcher
from quickpoll.foundation.concurrency.time_limits import HELD_SECONDS
from quickpoll.personal.departures import Departed, NobodyLeft, leaving_now
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.votes import rules
from quickpoll.votes.batch import Batch, Outcome, Result, Wish, WishEntry
from quickpoll.votes.store import VoteStore
from quickpoll.votes.writing import BallotWriter


class Casting:
    """Writes ballots in batches."""

    def __init__(
        self,
        polls: PollStore,
        votes: VoteStore,
        path: CountedPath,
        *,
        capacity: int = 10_000,
        largest: int = 512,
        departed: Departed | None = None,
    ) -> None:
        self._polls = polls
        self._votes = votes
        self._departed = departed or NobodyLeft()
        self._writer = BallotWriter(polls, votes, self._departed)
        self._path = path
        self.batcher: Batcher[Wish, Result] = Batcher(
            "votes", self._flush, capacity=capacity, largest=largest, workers=2
        )

    async def cast(self, user_id: str, poll_id: str, option_ids: Iterable[str]) -> Result:
        """Make these options the caller's ballot.

        Raises the errors of :mod:`.rules`, :class:`~quickpoll.errors.PollNotFound`,
        :class:`~quickpoll.errors.AlreadyVoted`, :class:`~quickpoll.errors.Unavailable` and
        :class:`~quickpoll.errors.Overloaded`.
        """
        chosen, moment = tuple(option_ids), _now()
        known = await self._polls.get(poll_id)
        try:
            wish = self._judge(known, user_id, chosen, moment)
        except QuickPollError:
            # Refuse by what MongoDB says, never by what may be an old memory.
            known = await self._polls.fresh(poll_id)
            try:
                wish = self._judge(known, user_id, chosen, moment)
            except PollClosed:
                return await self._repeated(user_id, rules.ballot_of(known, chosen), poll_id)
        return await self.batcher.submit(wish)

    async def retract(self, user_id: str, poll_id: str) -> Result:
        """Take the caller's ballot back; none there is no error.

        Raises :class:`~quickpoll.errors.PollClosed` and
        :class:`~quickpoll.errors.VoteChangeNotAllowed` where there is one that must stay.
        """
        known, moment = await self._polls.fresh(poll_id), _now()
        if await self._departed.leaving([user_id]):
            raise leaving_now()
        if await self._has_none(user_id, poll_id):
            return Result(Outcome.RETRACTED, None)
        rules.check_open(known.poll, moment)
        rules.check_retractable(known.poll)
        return await self.batcher.submit(Wish(user_id, poll_id, (), moment, known.poll.revision))

    async def _has_none(self, user_id: str, poll_id: str) -> bool:
        """Whether the user has no ballot, nor will have one of a write that is still on its way."""
        if await self._votes.find(user_id, poll_id) is not None:
            return False
        await self._votes.fence(poll_id, [user_id])
        return await self._votes.find(user_id, poll_id) is None

    def _judge(
        self, known: KnownPoll, user_id: str, chosen: tuple[str, ...], moment: datetime
    ) -> Wish:
        option_ids = rules.ballot_of(known, chosen)
        rules.check_open(known.poll, moment)
        return Wish(user_id, known.id, option_ids, moment, known.poll.revision)

    async def _repeated(self, user_id: str, option_ids: tuple[str, ...], poll_id: str) -> Result:
        """A vote that stands may be repeated even after the close."""
        standing = await self._votes.find(user_id, poll_id)
        if standing is None or set(standing.option_ids) != set(option_ids):
            raise PollClosed
        return Result(Outcome.SAME, standing)

    async def _flush(self, entries: list[WishEntry]) -> None:
        batch = Batch(Written())

        async def write(writing: Writing, written: Written) -> None:
            batch.written = written
            rest = [entry for entry in entries if entry.item.poll_id not in writing.held]
            batch.polls = await self._polls.current(writing.revisions)
            await self._writer.write(batch, rest)

        writing, failure = await self._path.write_batch(
            marks_of(MarkKind.VOTES, ((e.item.poll_id, e.item.user_id) for e in entries)),
            write,
            pass_barriers=any(entry.item.held for entry in entries),
        )
        batch.hand_out()
        self._hold(entry for entry in entries if entry.item.poll_id in writing.held)
        self._try_later(batch.again)
        if failure is not None:
            raise failure

    def _hold(self, entries: Iterable[WishEntry]) -> None:
        """Their polls are being recounted. Once they wait for that, and never again."""
        held = list(entries)
        for entry in held:
            entry.item = entry.item._replace(held=True)
        self._try_later(held)

    def _try_later(self, entries: list[WishEntry]) -> None:
        waiting = [entry for entry in entries if entry.waiting]
        if waiting:
            asyncio.get_running_loop().call_later(HELD_SECONDS, self.batcher.requeue, waiting)


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
