"""Erasing likes: taken back where the poll is open, nobody's where it is closed. As with ballots
(:mod:`.ballots`), but whoever was erased may like a poll anew."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from pymongo.errors import PyMongoError

from quickpoll.counting.counted_path import CountedPath, Written
from quickpoll.counting.counters import Writing
from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.likes.store import LikeStore, Pair, StoredLike
from quickpoll.people.erasing import SOME
from quickpoll.people.erasing.batches import in_time, write_all
from quickpoll.personal.tombstones import Tombstones
from quickpoll.polls.store import KnownPoll, PollStore


class LikeEraser:
    """Erases a person's likes."""

    def __init__(
        self, polls: PollStore, likes: LikeStore, tombstones: Tombstones, path: CountedPath
    ) -> None:
        self._polls = polls
        self._likes = likes
        self._tombstones = tombstones
        self._path = path

    async def some(self, user_id: str, before: datetime | None = None) -> int:
        """Erase some likes; answers how many were found. Raises a MongoDB error."""
        likes = await self._likes.of_user(user_id, SOME, before)
        if not likes:
            return 0
        known = await self._polls.fresh_many(likes)
        if gone := [one for poll_id, one in likes.items() if poll_id not in known]:
            await self._likes.delete_documents(gone)
        here = {poll_id: likes[poll_id] for poll_id in known}
        if here:
            new = await self._tombstones.set(user_id, dict.fromkeys(here, False), "like")
            await self._path.distrust(i for i, one in here.items() if one.liked and i not in new)
            await self._path.whole(self._release(user_id, here))
        return len(likes)

    async def left(self, user_id: str) -> int:
        """How many there are."""
        return await self._likes.count_of_user(user_id)

    async def _release(self, user_id: str, likes: dict[str, StoredLike]) -> None:
        async def write(writing: Writing, written: Written) -> None:
            known = await self._polls.current(writing.revisions)
            await in_time(
                partial(self._release_one, written, known.get(i), (user_id, i), likes[i])
                for i in likes.keys() & writing.marks.keys()
            )

        mark = Mark(MarkKind.LIKES, (user_id,))
        await write_all(self._path, dict.fromkeys(likes, mark), write)

    async def _release_one(
        self, written: Written, known: KnownPoll | None, pair: Pair, like: StoredLike
    ) -> None:
        poll_id = pair[1]
        back = like.liked and known is not None and known.poll.is_open(datetime.now(UTC))
        written.found.add(poll_id)
        try:
            released = await self._likes.release(pair, like, liked=like.liked and not back)
            if released and back:
                written.delta(poll_id).likes -= 1
                await self._polls.add_likes(poll_id, -1)
        except PyMongoError:
            # A recount mends the copy of the likes, too.
            written.unsure.add(poll_id)
            raise
