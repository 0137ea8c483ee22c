"""What callers have done: their ballots and likes, read together for requests that arrive
together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from quickpoll.foundation.concurrency.batching import Batcher, Entry
from quickpoll.likes.store import LikeStore
from quickpoll.votes.store import VoteStore

NO_CHOICE: tuple[str, ...] = ()

MOST_PAIRS = 1_000
"""Of callers and polls, looked up by one query: some milliseconds of MongoDB's time."""


class CallerState(NamedTuple):
    """A caller's ballot (empty: none) and like on one poll."""

    option_ids: tuple[str, ...] = NO_CHOICE
    liked: bool = False


NOTHING_DONE = CallerState()

CallerStates = dict[str, CallerState]
"""By poll; a poll without an entry is NOTHING_DONE."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whose states, on which polls."""

    user_id: str
    poll_ids: tuple[str, ...]


class CallerStateReader:
    """Reads states from MongoDB, never from a copy: callers see their own writes at once."""

    def __init__(self, votes: VoteStore, likes: LikeStore) -> None:
        self._votes = votes
        self._likes = likes
        self._batcher: Batcher[Question, CallerStates] = Batcher(
            "marks", self._read_batch, capacity=100_000, workers=4
        )

    def start(self) -> None:
        """Start reading."""
        self._batcher.start()

    async def aclose(self) -> None:
        """Answer what waits, then end."""
        await self._batcher.aclose()

    def ask(self, user_id: str, poll_ids: Iterable[str]) -> asyncio.Future[CallerStates]:
        """Begin reading a user's states; wait for them with :meth:`answer`."""
        return self._batcher.enqueue(Question(user_id, tuple(poll_ids)))

    async def answer(self, asked: asyncio.Future[CallerStates]) -> CallerStates:
        """The states that were asked for."""
        return await self._batcher.outcome(asked)

    async def _read_batch(self, batch: list[Entry[Question, CallerStates]]) -> None:
        alike: defaultdict[tuple[str, ...], list[Entry[Question, CallerStates]]] = defaultdict(list)
        for entry in batch:
            alike[entry.item.poll_ids].append(entry)
        await asyncio.gather(
            *[
                self._answer(poll_ids, entries[start : start + most])
                for poll_ids, entries in alike.items()
                for most in [max(1, MOST_PAIRS // len(poll_ids))]
                for start in range(0, len(entries), most)
            ]
        )

    async def _answer(
        self, poll_ids: tuple[str, ...], crowd: list[Entry[Question, CallerStates]]
    ) -> None:
        """Answer several callers who ask about the same polls."""
        users = {entry.item.user_id for entry in crowd}
        ballots, likes = await asyncio.gather(
            self._votes.among(users, poll_ids), self._likes.among(users, poll_ids)
        )
        states: defaultdict[str, CallerStates] = defaultdict(dict)
        for (user, poll_id), ballot in ballots.items():
            states[user][poll_id] = CallerState(ballot.option_ids, (user, poll_id) in likes)
        for user, poll_id in likes - ballots.keys():
            states[user][poll_id] = CallerState(liked=True)
        for entry in crowd:
            entry.resolve(states.get(entry.item.user_id, {}))
