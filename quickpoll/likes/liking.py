"""Liking: likes that arrive together are written, counted and announced together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from quickpoll.errors import PollNotFound, QuickPollError, Unavailable
from quickpoll.foundation.batching import Batcher, Entry
from quickpoll.foundation.mongo import deadline, is_outage, operation_seconds
from quickpoll.likes.rules import Act, outcomes, together
from quickpoll.likes.store import LikeStore, Pair
from quickpoll.polls.store import PollStore
from quickpoll.tallies.counters import Writing, write_seconds
from quickpoll.tallies.ledger import Ledger
from quickpoll.tallies.tally import Change

held_seconds = 0.01


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
        left = write_seconds - (monotonic() - began) - 0.4
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
        await self._insert(batch, [turn for turn in turns if turn.act in (Act.SET, Act.TOGGLE)])
        await asyncio.gather(
            *[self._delete(batch, turn) for turn in turns if turn.act is Act.UNSET],
            *[self._keep(batch, turn) for turn in turns if turn.act is Act.KEEP],
        )
        await asyncio.gather(*[self._sort_copy(batch, *step) for step in batch.steps.items()])

    async def _insert(self, batch: LikeBatch, turns: list[Turn]) -> None:
        if not turns:
            return
        try:
            new = await self._likes.insert([turn.pair for turn in turns])
        except Exception as error:
            self._doubt(batch, turns, error)
            return
        doubles = []
        for turn, is_new in zip(turns, new, strict=True):
            if is_new or turn.act is Act.SET:
                batch.settle(turn, liked=not is_new)
            else:
                doubles.append(turn)
        await asyncio.gather(*[self._delete(batch, turn) for turn in doubles])

    async def _delete(self, batch: LikeBatch, turn: Turn) -> None:
        try:
            was_there = await self._likes.delete(*turn.pair)
        except Exception as error:
            self._doubt(batch, [turn], error)
            return
        if was_there or turn.act is Act.UNSET:
            batch.settle(turn, liked=was_there)
        else:
            # Taken back on another instance since the insert met it: the toggle's turn is later.
            batch.again += turn.entries

    async def _keep(self, batch: LikeBatch, turn: Turn) -> None:
        user_id, poll_id = turn.pair
        try:
            liked = bool(await self._likes.of_user(user_id, [poll_id]))
        except Exception as error:
            self._doubt(batch, [turn], error)
            return
        batch.settle(turn, liked=liked)

    def _doubt(self, batch: LikeBatch, turns: list[Turn], error: Exception) -> None:
        for turn in turns:
            batch.doubt(turn)
        if not is_outage(error):
            raise error

    async def _sort_copy(self, batch: LikeBatch, poll_id: str, step: int) -> None:
        if not step:
            return
        try:
            await self._polls.add_likes(poll_id, step)
        except Exception as error:
            # The likes themselves stand; a recount mends the copy.
            batch.uncertain.add(poll_id)
            if not is_outage(error):
                raise


def _turns(entries: Iterable[LikeEntry]) -> list[Turn]:
    grouped: defaultdict[Pair, list[LikeEntry]] = defaultdict(list)
    for entry in entries:
        grouped[entry.item.user_id, entry.item.poll_id].append(entry)
    return [Turn(pair, of_pair) for pair, of_pair in grouped.items()]
