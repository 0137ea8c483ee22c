"""Liking: likes that arrive together are written, counted and announced together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import structlog
from pymongo.errors import PyMongoError

from quickpoll.counting.counted_path import CountedPath, Written
from quickpoll.counting.counters import Writing
from quickpoll.counting.holding import held_from, may_pass
from quickpoll.counting.tally import MarkKind, marks_of
from quickpoll.errors import PollNotFound, QuickPollError, Unavailable
from quickpoll.foundation.concurrency.batching import Batcher, Entry
from quickpoll.foundation.concurrency.time_limits import HELD_SECONDS
from quickpoll.foundation.stores.mongo import Document, is_outage
from quickpoll.likes.rules import Act, outcomes, together
from quickpoll.likes.store import LikeStore, Pair, StoredLike, new_like
from quickpoll.personal.departures import Departed, NobodyLeft, leaving_now
from quickpoll.polls.entry import check_still_admits
from quickpoll.polls.store import KnownPoll, PollStore

log = structlog.get_logger(__name__)

TURNS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class LikeWish:
    """What a caller wants of their like on a poll. ``held_since``: since when it waits for recounts
    (:func:`~quickpoll.counting.holding.may_pass`). ``guests``: what the poll said of guests when it
    let this one in; ``None`` for an account."""

    user_id: str
    poll_id: str
    act: Act
    held_since: float | None = None
    guests: str | None = None


LikeEntry = Entry[LikeWish, bool]


class Turn:
    """What one caller wants of one poll in one batch: the acts, in the order of their arrival,
    and the one that they amount to. The others are held for no time at all."""

    def __init__(self, pair: Pair, entries: list[LikeEntry]) -> None:
        self.pair = pair
        self.entries = entries
        self.acts = [entry.item.act for entry in entries]
        self.act = together(self.acts)
        self.document: Document = {}


class LikeBatch:
    """One batch on its way: what it changed, what is in doubt, and who hears what."""

    def __init__(self) -> None:
        self.written = Written()
        self.settled: list[tuple[LikeEntry, bool | QuickPollError]] = []
        self.again: list[LikeEntry] = []

    def settle(self, turn: Turn, *, liked: bool) -> None:
        """The turn was taken by a caller who liked the poll before, or not."""
        found = outcomes(turn.acts, liked)
        if step := found[-1] - liked:
            delta = self.written.delta(turn.pair[1])
            delta.likes += step
        self.settled += zip(turn.entries, found, strict=True)

    def doubt(self, turn: Turn) -> None:
        """The write may or may not stand: the callers try again, it is fenced."""
        self.written.unsure.add(turn.pair[1])
        self.refuse(turn)

    def refuse(self, turn: Turn) -> None:
        """The write does not stand, and never will: the callers try again."""
        self.settled += [(entry, Unavailable()) for entry in turn.entries]

    def hand_out(self) -> None:
        """Tell each caller what became of their wish."""
        for entry, result in self.settled:
            if isinstance(result, QuickPollError):
                entry.reject(result)
            else:
                entry.resolve(result)


class Liking:
    """Writes likes in batches."""

    def __init__(
        self,
        polls: PollStore,
        likes: LikeStore,
        path: CountedPath,
        *,
        capacity: int = 10_000,
        departed: Departed | None = None,
    ) -> None:
        self._polls = polls
        self._departed = departed or NobodyLeft()
        self._likes = likes
        self._path = path
        self.batcher: Batcher[LikeWish, bool] = Batcher("likes", self._flush, capacity=capacity)

    async def act(self, user_id: str, poll_id: str, act: Act, guests: str | None = None) -> bool:
        """Like, unlike or toggle; answers whether the caller likes the poll then. ``guests`` as in
        :class:`LikeWish`.

        Raises :class:`~quickpoll.errors.PollNotFound`, :class:`~quickpoll.errors.Unavailable`
        and :class:`~quickpoll.errors.Overloaded`.
        """
        return await self.batcher.submit(LikeWish(user_id, poll_id, act, guests=guests))

    async def _flush(self, entries: list[LikeEntry]) -> None:
        batch = LikeBatch()

        async def write(writing: Writing, written: Written) -> None:
            batch.written = written
            rest = [entry for entry in entries if entry.item.poll_id not in writing.held]
            await self._write(batch, rest, writing.revisions)

        writing, failure = await self._path.write_batch(
            marks_of(MarkKind.LIKES, ((e.item.poll_id, e.item.user_id) for e in entries)),
            write,
            pass_barriers=any(may_pass(entry.item.held_since) for entry in entries),
        )
        batch.hand_out()
        self._hold(entry for entry in entries if entry.item.poll_id in writing.held)
        self._try_later(batch.again)
        if failure is not None:
            raise failure

    def _hold(self, entries: Iterable[LikeEntry]) -> None:
        """Their polls are being recounted: they wait for that."""
        held = list(entries)
        for entry in held:
            entry.item = replace(entry.item, held_since=held_from(entry.item.held_since))
        self._try_later(held)

    def _try_later(self, entries: list[LikeEntry]) -> None:
        waiting = [entry for entry in entries if entry.waiting]
        if waiting:
            asyncio.get_running_loop().call_later(HELD_SECONDS, self.batcher.requeue, waiting)

    async def _write(
        self, batch: LikeBatch, entries: list[LikeEntry], revisions: dict[str, int]
    ) -> None:
        known = await self._polls.current(revisions)
        entries = _admitted(batch, entries, known)
        leaving = await self._departed.leaving(e.item.user_id for e in entries)
        for entry in entries:
            if entry.item.user_id in leaving:
                batch.settled.append((entry, leaving_now()))
        entries = [entry for entry in entries if entry.item.user_id not in leaving]
        # Of those who were told 503 meanwhile nothing is written: what they ask for next may be
        # under way already, and must not be overtaken.
        turns = _turns(entry for entry in entries if not entry.given_up)
        await self._turn_all(batch, await self._insert(batch, turns))
        deltas = batch.written.deltas.items()
        await asyncio.gather(*[self._sort_copy(batch, i, delta.likes) for i, delta in deltas])

    async def _insert(self, batch: LikeBatch, turns: list[Turn]) -> list[Turn]:
        """Insert what can be new; answers the turns that depend on what is stored.

        Also that there is no like is inserted: one that was sent before and not answered must not
        come after this answer.
        """
        if not turns:
            return []
        for turn in turns:
            turn.document = new_like(*turn.pair, liked=turn.act.on(liked=False))
        inserted = await self._likes.insert([turn.document for turn in turns])
        for index in inserted.stored:
            batch.settle(turns[index], liked=False)
        for index in inserted.fenced:
            batch.refuse(turns[index])
        for index in inserted.doubtful:
            batch.doubt(turns[index])
        return [turns[index] for index in sorted(inserted.duplicate)]

    async def _turn_all(self, batch: LikeBatch, turns: list[Turn]) -> None:
        if not turns:
            return
        batch.written.found |= {turn.pair[1] for turn in turns}
        try:
            standing = await self._likes.standing(turn.pair for turn in turns)
        except PyMongoError as error:
            self._doubt(batch, turns, error)
            return
        slots = asyncio.Semaphore(TURNS_AT_ONCE)

        async def one(turn: Turn) -> None:
            async with slots:
                await self._turn(batch, turn, standing.get(turn.pair))

        await asyncio.gather(*map(one, turns))

    async def _turn(self, batch: LikeBatch, turn: Turn, stored: StoredLike | None) -> None:
        if stored is not None and stored.id == str(turn.document.get("_id")):
            # The driver's own repetition of the insert met its first try.
            batch.settle(turn, liked=False)
            return
        if stored is None:
            batch.again += turn.entries
        elif not all(entry.given_up for entry in turn.entries):
            await self._write_turn(batch, turn, stored)

    async def _write_turn(self, batch: LikeBatch, turn: Turn, stored: StoredLike) -> None:
        try:
            written = await self._likes.turn(stored, liked=turn.act.on(stored.liked))
        except PyMongoError as error:
            self._doubt(batch, [turn], error)
            return
        if written:
            batch.settle(turn, liked=stored.liked)
        else:
            # Somebody else was faster, on another instance: this turn comes after theirs.
            batch.again += turn.entries

    def _doubt(self, batch: LikeBatch, turns: list[Turn], error: PyMongoError) -> None:
        for turn in turns:
            batch.doubt(turn)
        if not is_outage(error):
            log.error("likes_not_written", exc_info=error)

    async def _sort_copy(self, batch: LikeBatch, poll_id: str, step: int) -> None:
        if not step:
            return
        try:
            await self._polls.add_likes(poll_id, step)
        except PyMongoError as error:
            # The likes themselves stand; a recount mends the copy.
            batch.written.unsure.add(poll_id)
            if not is_outage(error):
                log.error("likes_not_copied", exc_info=error)


def _admitted(
    batch: LikeBatch, entries: list[LikeEntry], known: dict[str, KnownPoll]
) -> list[LikeEntry]:
    """Those whose polls are there, and still let them in; the others hear why not."""
    admitted = []
    for entry in entries:
        try:
            if entry.item.poll_id not in known:
                raise PollNotFound
            check_still_admits(known[entry.item.poll_id].poll, entry.item.guests)
        except QuickPollError as error:
            batch.settled.append((entry, error))
        else:
            admitted.append(entry)
    return admitted


def _turns(entries: Iterable[LikeEntry]) -> list[Turn]:
    grouped: defaultdict[Pair, list[LikeEntry]] = defaultdict(list)
    for entry in entries:
        grouped[entry.item.user_id, entry.item.poll_id].append(entry)
    return [Turn(pair, of_pair) for pair, of_pair in grouped.items()]
