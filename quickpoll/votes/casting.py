"""Casting: what becomes of a ballot between the request and its acknowledgement.

Ballots that arrive together are written in one insert; the unique index judges doubles. Each
submitter gets an outcome of its own.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime

import structlog
from bson import ObjectId
from pymongo.errors import PyMongoError

from quickpoll.counting.counted_path import CountedPath, Written, marks_of
from quickpoll.counting.counters import Writing
from quickpoll.counting.tally import MarkKind
from quickpoll.errors import (
    AlreadyVoted,
    PollClosed,
    PollNotFound,
    QuickPollError,
    Unavailable,
)
from quickpoll.foundation.concurrency.batching import Batcher
from quickpoll.foundation.concurrency.time_limits import HELD_SECONDS
from quickpoll.foundation.stores.mongo import Document, is_outage
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.votes import rules
from quickpoll.votes.batch import Batch, Outcome, Result, Wish, WishEntry
from quickpoll.votes.store import Ballot, VoteStore

log = structlog.get_logger(__name__)

CHANGES_AT_ONCE = 16


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
    ) -> None:
        self._polls = polls
        self._votes = votes
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
            await self._write(batch, rest)

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

    async def _write(self, batch: Batch, wishes: list[WishEntry]) -> None:
        admitted = await self._admit(batch, wishes)
        casts = [entry for entry in admitted if entry.item.option_ids]
        if casts:
            await self._insert(batch, casts)
        retractions: defaultdict[str, list[WishEntry]] = defaultdict(list)
        for entry in admitted:
            if not entry.item.option_ids:
                retractions[entry.item.poll_id].append(entry)
        for poll_id, entries in retractions.items():
            await self._retract(batch, poll_id, entries)

    async def _admit(self, batch: Batch, entries: list[WishEntry]) -> list[WishEntry]:
        """Those that the polls, as they now are, still allow; each poll locked for its voters."""
        await self._lock(batch, {e.item.poll_id for e in entries if e.item.option_ids})
        admitted = []
        for entry in entries:
            try:
                _check_again(batch.polls.get(entry.item.poll_id), entry.item)
            except QuickPollError as error:
                batch.refuse(entry, error)
            else:
                admitted.append(entry)
        return admitted

    async def _lock(self, batch: Batch, poll_ids: set[str]) -> None:
        unlocked = {i for i in poll_ids & batch.polls.keys() if not batch.polls[i].poll.voted_on}
        if len(unlocked) > 1 and await self._polls.lock_all(
            [batch.polls[i].poll for i in unlocked]
        ):
            return
        for poll_id in unlocked:
            while not await self._polls.lock(batch.polls[poll_id].poll):
                found = await self._polls.fresh_many([poll_id])
                if poll_id not in found:
                    batch.polls.pop(poll_id)
                    break
                batch.polls[poll_id] = found[poll_id]

    async def _insert(self, batch: Batch, entries: list[WishEntry]) -> None:
        entries = _not_given_up(entries)
        if not entries:
            return
        ballots = [_document(batch.polls[e.item.poll_id], e.item) for e in entries]
        inserted = await self._votes.insert(ballots)
        for index in inserted.stored:
            self._created(batch, entries[index], ballots[index])
        for index in inserted.fenced:
            batch.refuse(entries[index], Unavailable())
        batch.doubt(entries[index] for index in inserted.doubtful)
        doubles = defaultdict(list)
        for index in sorted(inserted.duplicate):
            doubles[entries[index].item.poll_id].append((entries[index], ballots[index]))
        for poll_id, pairs in doubles.items():
            await self._judge_doubles(batch, poll_id, pairs)

    def _created(self, batch: Batch, entry: WishEntry, document: Document) -> None:
        wish = entry.item
        batch.written.delta(wish.poll_id).ballot((), wish.option_ids)
        ballot = Ballot(
            id=str(document["_id"]),
            key=str(document["_id"]),
            user_id=wish.user_id,
            poll_id=wish.poll_id,
            option_ids=wish.option_ids,
            created_at=wish.moment,
        )
        batch.settle(entry, Outcome.CREATED, ballot)

    async def _judge_doubles(
        self, batch: Batch, poll_id: str, pairs: list[tuple[WishEntry, Document]]
    ) -> None:
        """What becomes of ballots whose user has one already."""
        standing = await self._standing(batch, poll_id, [entry for entry, _ in pairs])
        if standing is None:
            return
        changes: defaultdict[str, list[WishEntry]] = defaultdict(list)
        for entry, document in pairs:
            if entry.given_up:
                continue
            ballot = standing.get(entry.item.user_id)
            if ballot is not None and ballot.key == str(document["_id"]):
                # The driver's own repetition of the insert met its first try.
                self._created(batch, entry, document)
            elif ballot is None:
                batch.again.append(entry)
            elif not ballot.option_ids or batch.polls[poll_id].poll.allow_vote_change:
                changes[ballot.user_id].append(entry)
            elif ballot.option_ids == entry.item.option_ids:
                batch.settle(entry, Outcome.SAME, ballot)
            else:
                batch.refuse(entry, AlreadyVoted(optionIds=list(ballot.option_ids)))
        await _some_at_once(
            self._change(batch, standing[user], entries) for user, entries in changes.items()
        )

    async def _change(self, batch: Batch, standing: Ballot, entries: list[WishEntry]) -> None:
        """Change one user's ballot (or fill one that was taken back). Wishes that arrived together
        have no order but the one given to them here: the last is written, and each of the others
        held for no time at all. Also the same choice is written: a change that was sent before
        and not answered must not come after this answer."""
        last = entries[-1].item
        ballot = standing if standing.option_ids else _renewed(standing, last.moment)
        if standing.option_ids == last.option_ids:
            write = self._votes.confirm(standing)
        else:
            write = self._votes.change(
                standing, ballot._replace(option_ids=last.option_ids), last.moment
            )
        if not await self._done(batch, entries, write):
            return
        batch.written.delta(last.poll_id).ballot(standing.option_ids, last.option_ids)
        before = standing.option_ids
        for entry in entries:
            after = entry.item.option_ids
            batch.settle(entry, _outcome(before, after), ballot._replace(option_ids=after))
            before = after

    async def _retract(self, batch: Batch, poll_id: str, entries: list[WishEntry]) -> None:
        standing = await self._standing(batch, poll_id, entries)
        if standing is None:
            return
        by_user: defaultdict[str, list[WishEntry]] = defaultdict(list)
        for entry in _not_given_up(entries):
            by_user[entry.item.user_id].append(entry)
        await _some_at_once(
            self._take_back(batch, standing.get(user), wishes) for user, wishes in by_user.items()
        )

    async def _take_back(
        self, batch: Batch, standing: Ballot | None, entries: list[WishEntry]
    ) -> None:
        if standing is not None and standing.option_ids:
            retracted = self._votes.retract(standing, entries[-1].item.moment)
            if not await self._done(batch, entries, retracted):
                return
            batch.written.delta(standing.poll_id).ballot(standing.option_ids, ())
        for entry in entries:
            batch.settle(entry, Outcome.RETRACTED, standing)

    async def _standing(
        self, batch: Batch, poll_id: str, entries: list[WishEntry]
    ) -> dict[str, Ballot] | None:
        """The ballots of these users, empty ones too; ``None`` where MongoDB does not tell."""
        try:
            return await self._votes.standing(poll_id, {e.item.user_id for e in entries})
        except PyMongoError as error:
            if not is_outage(error):
                log.exception("ballots_not_read")
            batch.doubt(entries)
            return None

    async def _done(self, batch: Batch, entries: list[WishEntry], write: Awaitable[bool]) -> bool:
        """Whether a compare-and-set went through. If not, the entries are doubtful or, where
        somebody else was faster, tried again."""
        try:
            written = await write
        except PyMongoError as error:
            if not is_outage(error):
                log.exception("ballot_not_written")
            batch.doubt(entries)
            return False
        if not written:
            batch.again.extend(entries)
        return written


def _not_given_up(entries: Iterable[WishEntry]) -> list[WishEntry]:
    """Those whose callers were not told 503 meanwhile. What they ask for next may be under way
    already, and must not be overtaken: so this is asked after each reading, before each write."""
    return [entry for entry in entries if not entry.given_up]


def _check_again(known: KnownPoll | None, wish: Wish) -> None:
    """Judge a wish by the poll as it is now, where it has changed since."""
    if known is None:
        raise PollNotFound
    if known.poll.revision == wish.revision:
        return
    rules.check_open(known.poll, wish.moment)
    if wish.option_ids:
        rules.ballot_of(known, wish.option_ids)
    else:
        rules.check_retractable(known.poll)


def _renewed(standing: Ballot, moment: datetime) -> Ballot:
    return standing._replace(id=str(ObjectId()), created_at=moment)


def _outcome(before: tuple[str, ...], after: tuple[str, ...]) -> Outcome:
    if not before:
        return Outcome.CREATED
    return Outcome.SAME if before == after else Outcome.CHANGED


def _document(known: KnownPoll, wish: Wish) -> Document:
    return {
        "_id": ObjectId(),
        "userId": ObjectId(wish.user_id),
        "pollId": known.poll.id,
        "optionIds": [known.object_ids[option] for option in wish.option_ids],
        "createdAt": wish.moment,
        "castAt": wish.moment,
        "revision": 0,
    }


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


async def _some_at_once(writes: Iterable[Awaitable[None]]) -> None:
    slots = asyncio.Semaphore(CHANGES_AT_ONCE)

    async def one(write: Awaitable[None]) -> None:
        async with slots:
            await write

    await asyncio.gather(*map(one, writes))
