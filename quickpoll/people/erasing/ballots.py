"""Erasing ballots: taken back where the poll is open, nobody's where it is closed.

Invariants:

- The tombstone comes first, and the poll says that it has one, before the ballot is let go: at no
  moment could the same person vote a second time.
- A ballot goes with a compare-and-set, in a marked batch like one that is cast; whether the poll is
  open is judged by the poll as it is after the mark. So a close that was answered is final, and a
  change that was under way either is erased or finds another revision.
- What is found although there is a tombstone may be late: sent before, fenced, and let in because
  the document that fenced it was let go. Nobody has counted it, so the counts are given up first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from pymongo.errors import PyMongoError

from quickpoll.counting.counted_path import CountedPath, Written
from quickpoll.counting.counters import Writing
from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.foundation.concurrency.at_once import some_at_once
from quickpoll.management.quiet_changes import QuietChanges
from quickpoll.people.erasing import AT_ONCE, SOME
from quickpoll.people.erasing.batches import in_time, write_all
from quickpoll.personal.tombstones import Tombstones
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.votes.log_entries import brought_by_erasure
from quickpoll.votes.store import Ballot, VoteStore

AHEAD = 5_000
"""Polls that are looked up at once. Some stores go through all that somebody has to find a few of
it: a look for each step would take the square of its number."""

MOST_AHEAD = 32


class BallotEraser:
    """Erases a person's ballots."""

    def __init__(
        self,
        polls: PollStore,
        votes: VoteStore,
        tombstones: Tombstones,
        changes: QuietChanges,
        path: CountedPath,
    ) -> None:
        self._polls = polls
        self._votes = votes
        self._tombstones = tombstones
        self._changes = changes
        self._path = path
        self._ahead: dict[str, list[str]] = {}  # {user: polls that are looked at next}

    async def some(self, user_id: str, before: datetime | None = None) -> int:
        """Erase some ballots; answers how many were found. Raises a MongoDB error."""
        ballots = await self._next(user_id, before)
        if not ballots:
            return 0
        known = await self._polls.fresh_many([one.poll_id for one in ballots])
        gone = [one.key for one in ballots if one.poll_id not in known]
        if gone:
            await self._votes.delete_documents(gone)
        if known:
            await self._let_go(user_id, known, [one for one in ballots if one.poll_id in known])
        return len(ballots)

    async def _next(self, user_id: str, before: datetime | None) -> list[Ballot]:
        if before is not None:
            return await self._votes.of_user(user_id, SOME, before)
        while polls := self._ahead.pop(user_id, []) or await self._look_ahead(user_id):
            self._ahead[user_id] = polls[SOME:]
            if found := await self._votes.of_user_on(user_id, polls[:SOME]):
                return found
        return []

    async def _look_ahead(self, user_id: str) -> list[str]:
        if len(self._ahead) > MOST_AHEAD:
            self._ahead.clear()  # of people whose erasures another instance has ended
        return await self._votes.polls_of_user(user_id, AHEAD)

    async def left(self, user_id: str) -> int:
        """How many there are."""
        return await self._votes.count_of_user(user_id)

    async def _let_go(
        self, user_id: str, known: dict[str, KnownPoll], ballots: list[Ballot]
    ) -> None:
        voted = {one.poll_id: bool(one.option_ids) for one in ballots}
        new = await self._tombstones.set(user_id, voted)
        unmarked = [i for i, yes in voted.items() if yes and not known[i].poll.tombstones]
        await some_at_once(map(self._changes.keep_out, unmarked), AT_ONCE)
        await self._path.distrust(i for i, has_voted in voted.items() if has_voted and i not in new)
        await self._path.whole(self._release(user_id, ballots))

    async def _release(self, user_id: str, ballots: list[Ballot]) -> None:
        async def write(writing: Writing, written: Written) -> None:
            known = await self._polls.current(writing.revisions)
            await in_time(
                partial(self._release_one, written, known.get(one.poll_id), one)
                for one in ballots
                if one.poll_id in writing.marks
            )

        mark = Mark(MarkKind.VOTES, (user_id,))
        await write_all(self._path, {one.poll_id: mark for one in ballots}, write)

    async def _release_one(self, written: Written, known: KnownPoll | None, ballot: Ballot) -> None:
        now = datetime.now(UTC)
        back = bool(ballot.option_ids) and known is not None and known.poll.is_open(now)
        lines = brought_by_erasure(known.poll, ballot, is_open=back) if known else None
        written.found.add(ballot.poll_id)
        try:
            released = await self._votes.release(ballot, now, lines, emptied=back)
        except PyMongoError:
            written.unsure.add(ballot.poll_id)
            raise
        if released and back:
            written.delta(ballot.poll_id).ballot(ballot.option_ids, ())
