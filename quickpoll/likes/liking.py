"""Liking: likes that arrive together are written, counted and announced together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from time import monotonic

from quickpoll.errors import PollNotFound, QuickPollError, Unavailable
from quickpoll.foundation.batching import Batcher, Entry
from quickpoll.foundation.mongo import deadline, is_outage, operation_seconds
from quickpoll.likes.store import LikeStore
from quickpoll.polls.store import PollStore
from quickpoll.tallies.counters import Writing, write_seconds
from quickpoll.tallies.ledger import Ledger
from quickpoll.tallies.tally import Change

held_seconds = 0.01


class Act(Enum):
    """What a caller wants: to like, not to like, or the other than now."""

    SET = "set"
    UNSET = "unset"
    TOGGLE = "toggle"


@dataclass(frozen=True, slots=True)
class LikeWish:
    user_id: str
    poll_id: str
    act: Act


LikeEntry = Entry[LikeWish, bool]


class LikeBatch:
    """One batch on its way: what it changed, what is in doubt, and who hears what."""

    def __init__(self, writing: Writing) -> None:
        self.writing = writing
        self.steps: defaultdict[str, int] = defaultdict(int)
        self.uncertain: set[str] = set()
        self.settled: list[tuple[LikeEntry, bool | QuickPollError]] = []

    def settle(self, entry: LikeEntry, liked: bool, step: int) -> None:
        self.steps[entry.item.poll_id] += step
        self.settled.append((entry, liked))

    def doubt(self, entry: LikeEntry) -> None:
        self.uncertain.add(entry.item.poll_id)
        self.settled.append((entry, Unavailable()))

    def changes(self) -> dict[str, Change]:
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
        if failure is not None:
            raise failure

    def _try_later(self, entries: list[LikeEntry]) -> None:
        if entries:
            asyncio.get_running_loop().call_later(held_seconds, self.batcher.requeue, entries)

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
        present = [entry for entry in entries if entry.item.poll_id in known]
        for entry in entries:
            if entry.item.poll_id not in known:
                batch.settled.append((entry, PollNotFound()))
        await self._insert(batch, [e for e in present if e.item.act is not Act.UNSET])
        unset = [entry for entry in present if entry.item.act is Act.UNSET]
        await asyncio.gather(*[self._delete(batch, entry) for entry in unset])
        await asyncio.gather(*[self._sort_copy(batch, *step) for step in batch.steps.items()])

    async def _insert(self, batch: LikeBatch, entries: list[LikeEntry]) -> None:
        if not entries:
            return
        try:
            new = await self._likes.insert([(e.item.user_id, e.item.poll_id) for e in entries])
        except Exception as error:
            self._doubt_all(batch, entries, error)
            return
        doubles = []
        for entry, is_new in zip(entries, new, strict=True):
            if is_new:
                batch.settle(entry, liked=True, step=1)
            elif entry.item.act is Act.SET:
                batch.settle(entry, liked=True, step=0)
            else:
                doubles.append(entry)
        await asyncio.gather(*[self._delete(batch, entry) for entry in doubles])

    async def _delete(self, batch: LikeBatch, entry: LikeEntry) -> None:
        try:
            was_there = await self._likes.delete(entry.item.user_id, entry.item.poll_id)
        except Exception as error:
            self._doubt_all(batch, [entry], error)
            return
        batch.settle(entry, liked=False, step=-int(was_there))

    def _doubt_all(self, batch: LikeBatch, entries: list[LikeEntry], error: Exception) -> None:
        for entry in entries:
            batch.doubt(entry)
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
