"""Fences around what a batch may have sent; see :class:`quickpoll.counting.tally.Fences`."""

from __future__ import annotations

from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.likes.store import LikeStore
from quickpoll.polls.store import PollStore
from quickpoll.votes.store import VoteStore


class MongoFences:
    """Each kind of mark is fenced in the collection that its batch writes to."""

    def __init__(self, polls: PollStore, votes: VoteStore, likes: LikeStore) -> None:
        self._polls = polls
        self._votes = votes
        self._likes = likes

    async def fence(self, poll_id: str, mark: Mark) -> None:
        """Make powerless what was sent under the mark. Raises a MongoDB error."""
        if mark.kind is MarkKind.VOTES:
            await self._votes.fence(poll_id, mark.user_ids)
        elif mark.kind is MarkKind.LIKES:
            await self._likes.fence(poll_id, mark.user_ids)
        else:
            await self._polls.fence(poll_id)
