"""Casting: what becomes of a ballot between the request and its acknowledgement.

Ballots that arrive together are written in one insert; the unique index judges doubles. Each
submitter gets an outcome of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from quickpoll.counting.counted_path import CountedPath, Written
from quickpoll.counting.counters import Writing
from quickpoll.counting.holding import held_from, may_pass
from quickpoll.counting.tally import MarkKind, marks_of
from quickpoll.errors import (
    PollClosed,
    QuickPollError,
)
from quickpoll.foundation.concurrency.batching import Batcher
from quickpoll.foundation.concurrency.time_limits import HELD_SECONDS
from quickpoll.personal.departures import Departed, NobodyLeft, leaving_now
from quickpoll.polls.entry import check_still_admits
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.verification.signers import Signers
from quickpoll.votes import rules
from quickpoll.votes.batch import Batch, Outcome, Result, Wish, WishEntry
from quickpoll.votes.log_entries import owed_for
from quickpoll.votes.promises import Promises
from quickpoll.votes.store import Ballot, VoteStore
from quickpoll.votes.writing import BallotWriter


class Casting:
    """Writes ballots in batches."""

    def __init__(
        self,
        polls: PollStore,
        votes: VoteStore,
        path: CountedPath,
        *,
        promises: Promises | None = None,
        capacity: int = 10_000,
        largest: int = 512,
        departed: Departed | None = None,
    ) -> None:
        self._promises = promises or Promises(Signers("none", ()))
        self._polls = polls
        self._votes = votes
        self._departed = departed or NobodyLeft()
        self._writer = BallotWriter(polls, votes, self._departed)
        self._path = path
        self.batcher: Batcher[Wish, Result] = Batcher(
            "votes", self._flush, capacity=capacity, largest=largest, workers=2
        )

    async def cast(
        self, user_id: str, poll_id: str, option_ids: Iterable[str], guests: str | None = None
    ) -> Result:
        """Make these options the caller's ballot; ``guests`` as in :class:`.Wish`.

        Raises the errors of :mod:`.rules`, :class:`~quickpoll.errors.PollNotFound`,
        :class:`~quickpoll.errors.AlreadyVoted`, :class:`~quickpoll.errors.Unavailable` and
        :class:`~quickpoll.errors.Overloaded`.
        """
        chosen, moment = tuple(option_ids), _now()
        known = await self._polls.get(poll_id)
        try:
            wish = self._judge(known, user_id, chosen, moment, guests)
        except QuickPollError:
            # Refuse by what MongoDB says, never by what may be an old memory.
            known = await self._polls.fresh(poll_id)
            try:
                wish = self._judge(known, user_id, chosen, moment, guests)
            except PollClosed:
                return await self._repeated(user_id, chosen, known)
        try:
            return await self.batcher.submit(wish)
        except PollClosed:  # since this instance heard of it last
            return await self._repeated(user_id, chosen, await self._polls.get(poll_id))

    async def retract(self, user_id: str, poll_id: str, guests: str | None = None) -> Result:
        """Take the caller's ballot back; none there is no error.

        Raises :class:`~quickpoll.errors.PollClosed` and
        :class:`~quickpoll.errors.VoteChangeNotAllowed` where there is one that must stay.
        """
        known, moment = await self._polls.fresh(poll_id), _now()
        self._promises.check_kept(known.poll)
        if await self._departed.leaving([user_id]):
            raise leaving_now()
        if await self._has_none(user_id, poll_id):
            await self._path.acknowledge(poll_id, user_id)
            return await self._retracted(user_id, known, moment)
        rules.check_open(known.poll, moment)
        rules.check_retractable(known.poll)
        wish = Wish(user_id, poll_id, (), moment, known.poll.revision, guests=guests)
        return await self.batcher.submit(wish)

    async def _has_none(self, user_id: str, poll_id: str) -> bool:
        """Whether the user has no ballot, nor will have one of a write that is still on its way."""
        if await self._votes.find(user_id, poll_id) is not None:
            return False
        await self._votes.fence(poll_id, [user_id])
        return await self._votes.find(user_id, poll_id) is None

    async def _retracted(self, user_id: str, known: KnownPoll, moment: datetime) -> Result:
        """There is no ballot; whoever took it back before is promised the same again."""
        result = Result(Outcome.RETRACTED, None)
        if not known.poll.verifiable:
            return result
        ballot = (await self._votes.standing(known.id, [user_id])).get(user_id)
        if ballot is None or ballot.log is None or ballot.option_ids:
            return result
        return self._with_promise(result, known, ballot, moment)

    def _with_promise(
        self, result: Result, known: KnownPoll, ballot: Ballot, moment: datetime
    ) -> Result:
        wanted = owed_for(known.poll, ballot, is_open=known.poll.is_open(moment))
        if wanted is None:
            return result
        return result._replace(promise=self._promises.make([wanted])[0])

    def _judge(
        self,
        known: KnownPoll,
        user_id: str,
        chosen: tuple[str, ...],
        moment: datetime,
        guests: str | None,
    ) -> Wish:
        option_ids = rules.ballot_of(known, chosen)
        rules.check_open(known.poll, moment)
        check_still_admits(known.poll, guests)
        self._promises.check_kept(known.poll)
        return Wish(user_id, known.id, option_ids, moment, known.poll.revision, guests=guests)

    async def _repeated(self, user_id: str, chosen: tuple[str, ...], known: KnownPoll) -> Result:
        """A vote that stands may be repeated even after the close. It is confirmed: a change that
        was sent before and not answered must not come after this answer."""
        option_ids = rules.ballot_of(known, chosen)
        while True:
            standing = await self._votes.find(user_id, known.id)
            if standing is None or set(standing.option_ids) != set(option_ids):
                raise PollClosed
            if await self._votes.confirm(standing):
                await self._path.acknowledge(known.id, user_id)
                return self._with_promise(Result(Outcome.SAME, standing), known, standing, _now())

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
            pass_barriers=any(may_pass(entry.item.held_since) for entry in entries),
        )
        batch.promise(self._promises.make)
        batch.hand_out()
        self._hold(entry for entry in entries if entry.item.poll_id in writing.held)
        self._try_later(batch.again)
        if failure is not None:
            raise failure

    def _hold(self, entries: Iterable[WishEntry]) -> None:
        """Their polls are being recounted: they wait for that."""
        held = list(entries)
        for entry in held:
            entry.item = entry.item._replace(held_since=held_from(entry.item.held_since))
        self._try_later(held)

    def _try_later(self, entries: list[WishEntry]) -> None:
        waiting = [entry for entry in entries if entry.waiting]
        if waiting:
            asyncio.get_running_loop().call_later(HELD_SECONDS, self.batcher.requeue, waiting)


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
