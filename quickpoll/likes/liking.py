"""Liking: likes that arrive together are written, counted and announced together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

import structlog
from pymongo.errors import PyMongoError

from quickpoll.errors import PollNotFound, QuickPollError, Unavailable
from quickpoll.foundation.batching import Batcher, Entry
from quickpoll.foundation.inserting import look_seconds
from quickpoll.foundation.mongo import Document, deadline, is_outage, operation_seconds
from quickpoll.likes.rules import Act, outcomes, together
from quickpoll.likes.store import LikeStore, Pair, StoredLike, new_like
from quickpoll.polls.store import PollStore
from quickpoll.tallies.counters import Writing, write_seconds
from quickpoll.tallies.ledger import Ledger
from quickpoll.tallies.tally import Change

log = structlog.get_logger(__name__)

held_seconds = 0.01

turns_at_once = 16


@dataclass(frozen=True, slots=True)
class LikeWish:
    """What a caller wants of their like on a poll."""

    user_id: str
    poll_id: str
    act: Act


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

    def __init__(self, writing: Writing) -> None:
        self.writing = writing
        self.steps: defaultdict[str, int] = defaultdict(int)
        self.uncertain: set[str] = set()
        self.settled: list[tuple[LikeEntry, bool | QuickPollError]] = []
        self.again: list[LikeEntry] = []

    def settle(self, turn: Turn, *, liked: bool) -> None:
        """The turn was taken by a caller who liked the poll before, or not."""
        found = outcomes(turn.acts, liked)
        self.steps[turn.pair[1]] += found[-1] - liked
        self.settled += zip(turn.entries, found, strict=True)

    def doubt(self, turn: Turn) -> None:
        """The write may or may not stand: the callers try again, the poll is recounted."""
        self.uncertain.add(turn.pair[1])
        self.settled += [(entry, Unavailable()) for entry in turn.entries]

    def changes(self) -> dict[str, Change]:
        """What the batch adds to the counts of each poll."""
        return {poll_id: Change(likes=step) for poll_id, step in self.steps.items() if step}


class Liking:
    """Writes likes in batches."""

    def __init__(
        self, polls: PollStore, likes: LikeStore, ledger: Ledger, *, capacity: int = 10_000
    ) -> None:
        self._polls = polls
        self._likes = likes
        self._ledger = ledger
        self.batcher: Batcher[LikeWish, bool] = Batcher("likes", self._flush, capacity=capacity)

    async def act(self, user_id: str, poll_id: str, act: Act) -> bool:
        """Like, unlike or toggle; answers whether the caller likes the poll then.

        Raises :class:`~quickpoll.errors.PollNotFound`, :class:`~quickpoll.errors.Unavailable`
        and :class:`~quickpoll.errors.Overloaded`.
        """
        return await self.batcher.submit(LikeWish(user_id, poll_id, act))

    async def _flush(self, entries: list[LikeEntry]) -> None:
        began = monotonic()
        writing = await self._ledger.begin({entry.item.poll_id for entry in entries})
        batch = LikeBatch(writing)
        held = [entry for entry in entries if entry.item.poll_id in writing.held]
        self._try_later(held)
        failure = await self._try_to_write(batch, [e for e in entries if e not in held], began)
        await self._ledger.finish(writing, batch.changes(), uncertain=batch.uncertain)
        for entry, result in batch.settled:
            if isinstance(result, QuickPollError):
                entry.reject(result)
            else:
                entry.resolve(result)
        self._try_later(batch.again)
        if failure is not None:
            raise failure

    def _try_later(self, entries: list[LikeEntry]) -> None:
        waiting = [entry for entry in entries if entry.waiting]
        if waiting:
            asyncio.get_running_loop().call_later(held_seconds, self.batcher.requeue, waiting)

    async def _try_to_write(
        self, batch: LikeBatch, entries: list[LikeEntry], began: float
    ) -> Exception | None:
        left = write_seconds - (monotonic() - began) - look_seconds - 0.2
        if left < 0.2:
            return Unavailable()
        try:
            with deadline(min(left, operation_seconds)):
                await self._write(batch, entries)
        except Exception as error:
            return error
        return None

    async def _write(self, batch: LikeBatch, entries: list[LikeEntry]) -> None:
        known = await self._polls.current(batch.writing.revisions)
        for entry in entries:
            if entry.item.poll_id not in known:
                batch.settled.append((entry, PollNotFound()))
        turns = _turns(entry for entry in entries if entry.item.poll_id in known)
        await self._turn_all(batch, await self._insert(batch, turns))
        await asyncio.gather(*[self._sort_copy(batch, *step) for step in batch.steps.items()])

    async def _insert(self, batch: LikeBatch, turns: list[Turn]) -> list[Turn]:
        """Insert what can be new; answers the turns that depend on what is stored."""
        new = [turn for turn in turns if turn.act.on(liked=False)]
        if not new:
            return turns
        for turn in new:
            turn.document = new_like(*turn.pair)
        inserted = await self._likes.insert([turn.document for turn in new])
        for place in inserted.stored:
            batch.settle(new[place], liked=False)
        for place in inserted.doubtful:
            batch.doubt(new[place])
        others = [turn for turn in turns if not turn.act.on(liked=False)]
        return others + [new[place] for place in sorted(inserted.duplicate)]

    async def _turn_all(self, batch: LikeBatch, turns: list[Turn]) -> None:
        if not turns:
            return
        try:
            standing = await self._likes.standing(turn.pair for turn in turns)
        except PyMongoError as error:
            self._doubt(batch, turns, error)
            return
        slots = asyncio.Semaphore(turns_at_once)

        async def one(turn: Turn) -> None:
            async with slots:
                await self._turn(batch, turn, standing.get(turn.pair))

        await asyncio.gather(*map(one, turns))

    async def _turn(self, batch: LikeBatch, turn: Turn, stored: StoredLike | None) -> None:
        if stored is not None and stored.id == str(turn.document.get("_id")):
            # The driver's own repetition of the insert met its first try.
            batch.settle(turn, liked=False)
            return
        liked = stored is not None and stored.liked
        if turn.act.on(liked) == liked:
            batch.settle(turn, liked=liked)
        elif stored is None:
            batch.again += turn.entries
        else:
            await self._write_turn(batch, turn, stored)

    async def _write_turn(self, batch: LikeBatch, turn: Turn, stored: StoredLike) -> None:
        try:
            written = await self._likes.turn(stored, liked=not stored.liked)
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
            batch.uncertain.add(poll_id)
            if not is_outage(error):
                log.error("likes_not_copied", exc_info=error)


def _turns(entries: Iterable[LikeEntry]) -> list[Turn]:
    grouped: defaultdict[Pair, list[LikeEntry]] = defaultdict(list)
    for entry in entries:
        grouped[entry.item.user_id, entry.item.poll_id].append(entry)
    return [Turn(pair, of_pair) for pair, of_pair in grouped.items()]
