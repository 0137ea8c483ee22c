"""What MongoDB holds, counted: the truth that the copy in Redis is held against."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from quickpoll.counting.tally import Counted
from quickpoll.likes.store import LikeStore
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.votes.store import VoteStore


class MongoCensus:
    """Counts through the indexes; see :class:`quickpoll.counting.tally.Census`."""

    def __init__(self, polls: PollStore, votes: VoteStore, likes: LikeStore) -> None:
        self._polls = polls
        self._votes = votes
        self._likes = likes

    async def count(self, poll_id: str) -> Counted | None:
        """Count one poll; ``None`` when there is no such poll."""
        known = (await self._polls.fresh_many([poll_id])).get(poll_id)
        return None if known is None else await self._count(known)

    async def counts(self, poll_ids: Iterable[str]) -> dict[str, Counted]:
        """Count several polls; those that do not exist are left out."""
        known = await self._polls.fresh_many(poll_ids)
        counted = await asyncio.gather(*[self._count_at_once(one) for one in known.values()])
        return dict(zip(known, counted, strict=True))

    async def existing(self, poll_ids: Iterable[str]) -> set[str]:
        """Those of the polls that there are."""
        return set(await self._polls.fresh_many(poll_ids))

    async def mend_likes(self, poll_id: str, likes: int) -> None:
        """Correct the copy of the likes by which lists are sorted."""
        await self._polls.set_likes(poll_id, likes)

    async def _count_at_once(self, known: KnownPoll) -> Counted:
        """Where ballots may change, one command counts all options: a ballot that moves from one to
        another meanwhile is counted once."""
        if not known.poll.allow_vote_change:
            return await self._count(known)
        likes, ballots = await asyncio.gather(
            self._likes.count(known.id), self._votes.count_alike(known.id)
        )
        counts: Counter[str] = Counter(dict.fromkeys(known.option_order, 0))
        for option_ids, number in ballots.items():
            counts.update(dict.fromkeys(option_ids, number))
        return _counted(known, dict(counts), sum(ballots.values()), likes)

    async def _count(self, known: KnownPoll) -> Counted:
        options = list(known.option_order)
        likes, *votes = await asyncio.gather(
            self._likes.count(known.id),
            *[self._votes.count(known.id, option) for option in options],
        )
        voters = sum(votes)
        if known.poll.max_choices > 1 and voters:
            voters = await self._votes.voters(known.id)
        counts = dict(zip(options, votes, strict=True))
        return _counted(known, counts, voters, likes)


def _counted(known: KnownPoll, counts: dict[str, int], voters: int, likes: int) -> Counted:
    last = known.poll.last_change
    change = last["change"] if last else ""
    return Counted(counts, voters, likes, known.poll.revision, change)
