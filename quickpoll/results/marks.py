"""What callers have done: their ballots and likes, read together for requests that arrive
together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass

from quickpoll.foundation.batching import Batcher, Entry
from quickpoll.likes.store import LikeStore
from quickpoll.votes.store import VoteStore

no_choice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A caller's ballot (empty: none) and like on one poll."""

    option_ids: tuple[str, ...] = no_choice
    liked: bool = False


unmarked = Mark()

Marks = dict[str, Mark]
"""By poll; a poll without an entry is unmarked."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whose marks, on which polls."""

    user_id: str
    poll_ids: tuple[str, ...]


class MarkReader:
    """Reads marks from MongoDB, never from a copy: callers see their own writes at once."""

    def __init__(self, votes: VoteStore, likes: LikeStore) -> None:
        self._votes = votes
        self._likes = likes
        self._batcher: Batcher[Question, Marks] = Batcher(
            "marks", self._read_batch, capacity=100_000, lanes=4
        )

    def start(self) -> None:
        """Start reading."""
        self._batcher.start()

    async def aclose(self) -> None:
        """Answer what waits, then end."""
        await self._batcher.aclose()

    def ask(self, user_id: str, poll_ids: Iterable[str]) -> asyncio.Future[Marks]:
        """Begin reading a user's marks; wait for them with :meth:`answer`."""
        return self._batcher.enqueue(Question(user_id, tuple(poll_ids)))

    async def answer(self, asked: asyncio.Future[Marks]) -> Marks:
        """The marks that were asked for."""
        return await self._batcher.outcome(asked)

    async def _read_batch(self, batch: list[Entry[Question, Marks]]) -> None:
        crowds: defaultdict[str, list[Entry[Question, Marks]]] = defaultdict(list)
        reads: list[Awaitable[None]] = []
        for entry in batch:
            if len(entry.item.poll_ids) == 1:
                crowds[entry.item.poll_ids[0]].append(entry)
            else:
                reads.append(self._of_user(entry))
        reads += [self._of_crowd(poll_id, crowd) for poll_id, crowd in crowds.items()]
        await asyncio.gather(*reads)

    async def _of_crowd(self, poll_id: str, crowd: list[Entry[Question, Marks]]) -> None:
        users = {entry.item.user_id for entry in crowd}
        ballots, likers = await asyncio.gather(
            self._votes.of_users(poll_id, users), self._likes.of_users(poll_id, users)
        )
        for entry in crowd:
            user = entry.item.user_id
            ballot = ballots.get(user)
            choice = ballot.option_ids if ballot else no_choice
            entry.resolve({poll_id: Mark(choice, user in likers)})

    async def _of_user(self, entry: Entry[Question, Marks]) -> None:
        user, polls = entry.item.user_id, entry.item.poll_ids
        ballots, liked = await asyncio.gather(
            self._votes.of_user(user, polls), self._likes.of_user(user, polls)
        )
        marks = {i: Mark(ballot.option_ids, i in liked) for i, ballot in ballots.items()}
        entry.resolve(marks | {i: Mark(liked=True) for i in liked - marks.keys()})
