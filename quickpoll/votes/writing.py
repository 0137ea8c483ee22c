"""Writing a batch of ballots: what becomes of each wish, by what MongoDB says.

Invariants:

- The unique index decides who was first; a change or a retraction compares the ballot's revision.
- The poll is locked for its voters before the first ballot is written, by the same compare-and-set
  that an edit goes through: both cannot win.
- Before each write it is asked whether the caller still waits: of whoever was told 503 nothing more
  is written, so that it cannot overtake what they ask for next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Iterable
from secrets import token_hex

import structlog
from pymongo.errors import PyMongoError

from quickpoll.errors import AlreadyVoted, PollNotFound, QuickPollError, Unavailable
from quickpoll.foundation.concurrency.at_once import some_at_once
from quickpoll.foundation.stores.mongo import Document, is_outage
from quickpoll.personal.departures import Departed, leaving_now, voted_before
from quickpoll.polls.entry import check_still_admits
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.votes import rules
from quickpoll.votes.ballots import new_document, outcome_of, renewed
from quickpoll.votes.batch import Batch, Outcome, Wish, WishEntry
from quickpoll.votes.log_entries import (
    brought_by_choices,
    brought_by_retraction,
    owed_for,
)
from quickpoll.votes.logged import logged_of
from quickpoll.votes.store import Ballot, VoteStore

log = structlog.get_logger(__name__)

CHANGES_AT_ONCE = 16


class BallotWriter:
    """Writes the ballots of one batch after the other."""

    def __init__(self, polls: PollStore, votes: VoteStore, departed: Departed) -> None:
        self._polls = polls
        self._votes = votes
        self._departed = departed

    async def write(self, batch: Batch, wishes: list[WishEntry]) -> None:
        """Write what the polls, as they now are, allow; each wish is settled, refused or tried
        again."""
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
        entries = await self._staying(batch, entries)
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

    async def _staying(self, batch: Batch, entries: list[WishEntry]) -> list[WishEntry]:
        """Those of voters who are not leaving, and have not left the poll for good."""
        leaving = await self._departed.leaving(e.item.user_id for e in entries)
        asked = [_pair(e) for e in entries if _has_tombstones(batch, e) and e.item.option_ids]
        left = await self._departed.who_left(asked) if asked else ()
        staying = []
        for entry in entries:
            if entry.item.user_id in leaving:
                batch.refuse(entry, leaving_now())
            elif _pair(entry) in left:
                batch.refuse(entry, voted_before())
            else:
                staying.append(entry)
        return staying

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
        token = token_hex(8)
        ballots = [new_document(batch.polls[e.item.poll_id], e.item, token) for e in entries]
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
            log=logged_of(document),
        )
        poll = batch.polls[wish.poll_id].poll
        batch.settle(entry, Outcome.CREATED, ballot, owed_for(poll, ballot))

    async def _judge_doubles(
        self, batch: Batch, poll_id: str, pairs: list[tuple[WishEntry, Document]]
    ) -> None:
        """What becomes of ballots whose user has one already."""
        standing = await self._standing(batch, poll_id, [entry for entry, _ in pairs])
        if standing is None:
            return
        changes: defaultdict[str, list[WishEntry]] = defaultdict(list)
        poll = batch.polls[poll_id].poll
        for entry, document in pairs:
            ballot = standing.get(entry.item.user_id)
            if ballot is not None and ballot.key == str(document["_id"]):
                # The driver's own repetition of the insert met its first try.
                self._created(batch, entry, document)
            elif entry.given_up:
                continue
            elif ballot is None:
                batch.again.append(entry)
            elif not ballot.option_ids or poll.allow_vote_change:
                changes[ballot.user_id].append(entry)
            elif ballot.option_ids == entry.item.option_ids:
                batch.settle(entry, Outcome.SAME, ballot, owed_for(poll, ballot))
            else:
                batch.refuse(entry, AlreadyVoted(option_ids=list(ballot.option_ids)))
        await some_at_once(
            (self._change(batch, standing[user], entries) for user, entries in changes.items()),
            CHANGES_AT_ONCE,
        )

    async def _change(self, batch: Batch, standing: Ballot, entries: list[WishEntry]) -> None:
        """Change one user's ballot (or fill one that was taken back). Wishes that arrived together
        have no order but the one given to them here: the last is written, and each of the others
        held for no time at all. Also the same choice is written: a change that was sent before
        and not answered must not come after this answer."""
        poll = batch.polls[standing.poll_id].poll
        if not poll.allow_vote_change:
            entries = _of_the_first_choice(batch, entries)
        choices, last = [entry.item.option_ids for entry in entries], entries[-1].item
        ballot = standing if standing.option_ids else renewed(standing, last.moment)
        brought = brought_by_choices(poll, standing, choices)
        if standing.option_ids == last.option_ids and brought.lines is None:
            write = self._votes.confirm(standing)
        else:
            after, guest = ballot._replace(option_ids=last.option_ids), last.guests is not None
            write = self._votes.change(standing, after, last.moment, brought.lines, guest=guest)
        if not await self._done(batch, entries, write):
            return
        batch.written.delta(last.poll_id).ballot(standing.option_ids, last.option_ids)
        before = standing.option_ids
        for entry, choice, owed in zip(entries, choices, brought.owed, strict=True):
            held = ballot._replace(option_ids=choice)
            batch.settle(entry, outcome_of(before, choice), held, owed)
            before = choice

    async def _retract(self, batch: Batch, poll_id: str, entries: list[WishEntry]) -> None:
        standing = await self._standing(batch, poll_id, entries)
        if standing is None:
            return
        by_user: defaultdict[str, list[WishEntry]] = defaultdict(list)
        for entry in _not_given_up(entries):
            by_user[entry.item.user_id].append(entry)
        await some_at_once(
            (
                self._take_back(batch, standing.get(user), wishes)
                for user, wishes in by_user.items()
            ),
            CHANGES_AT_ONCE,
        )

    async def _take_back(
        self, batch: Batch, standing: Ballot | None, entries: list[WishEntry]
    ) -> None:
        if standing is None:
            for entry in entries:
                batch.settle(entry, Outcome.RETRACTED, None)
            return
        poll = batch.polls[standing.poll_id].poll
        brought = brought_by_retraction(poll, standing, len(entries))
        if standing.option_ids:
            moment = entries[-1].item.moment
            retracted = self._votes.retract(standing, moment, brought.lines)
            if not await self._done(batch, entries, retracted):
                return
            batch.written.delta(standing.poll_id).ballot(standing.option_ids, ())
        for entry, owed in zip(entries, brought.owed, strict=True):
            batch.settle(entry, Outcome.RETRACTED, standing, owed)

    async def _standing(
        self, batch: Batch, poll_id: str, entries: list[WishEntry]
    ) -> dict[str, Ballot] | None:
        """The ballots of these users, empty ones too; ``None`` where MongoDB does not tell."""
        batch.written.found.add(poll_id)
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


def _of_the_first_choice(batch: Batch, entries: list[WishEntry]) -> list[WishEntry]:
    """Those that wish what the first one does, where votes stand; the others come too late."""
    first = entries[0].item.option_ids
    for entry in entries:
        if entry.item.option_ids != first:
            batch.refuse(entry, AlreadyVoted(option_ids=list(first)))
    return [entry for entry in entries if entry.item.option_ids == first]


def _check_again(known: KnownPoll | None, wish: Wish) -> None:
    """Judge a wish by the poll as it is now, where it has changed since."""
    if known is None:
        raise PollNotFound
    if known.poll.revision == wish.revision:
        return
    rules.check_open(known.poll, wish.moment)
    check_still_admits(known.poll, wish.guests)
    if wish.option_ids:
        rules.ballot_of(known, wish.option_ids)
    else:
        rules.check_retractable(known.poll)


def _pair(entry: WishEntry) -> tuple[str, str]:
    return entry.item.user_id, entry.item.poll_id


def _has_tombstones(batch: Batch, entry: WishEntry) -> bool:
    known = batch.polls.get(entry.item.poll_id)
    return known is not None and known.poll.tombstones
