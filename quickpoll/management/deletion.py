"""Deleting polls: all of a poll goes, whatever dies in between and whoever votes meanwhile.

Invariants:

- A deletion is noted in MongoDB before anything of the poll goes, with the poll's revision: it is
  finished by whichever instance looks, or void where the poll was changed since. The write that
  deletes the poll compares that, too: one that comes late deletes no poll that lives.
- The poll goes before its votes: from then on votes get 404, and nothing counts it anew.
- Votes that were under way are swept when they must have ended, and again later: a write can come
  along a stalled wire for a long time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.counting.counted_path import CountedPath, Removal
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.idempotency.store import ClaimStore
from quickpoll.likes.store import LikeStore
from quickpoll.management.models import Deletion
from quickpoll.management.store import DeletionStore, HistoryStore
from quickpoll.management.uses import PollUses, Unused
from quickpoll.polls.models import PUBLIC, Poll
from quickpoll.polls.rules import check_manages
from quickpoll.polls.store import PollStore
from quickpoll.votes.store import VoteStore

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0

Erase = Callable[[str], Awaitable[object]]
"""Deletes what something keeps of a poll, by the poll's id; may be called again and again."""


class PollDeletion:
    """Deletes polls, and what is kept of them elsewhere (``also``, and the log of those that ever
    were verifiable); a sweep afterwards takes what arrived late."""

    def __init__(
        self,
        polls: PollStore,
        votes: VoteStore,
        likes: LikeStore,
        history: HistoryStore,
        deletions: DeletionStore,
        claims: ClaimStore,
        path: CountedPath,
        also: tuple[Erase, ...] = (),
        erase_log: Erase | None = None,
    ) -> None:
        self._polls = polls
        self._votes = votes
        self._likes = likes
        self._history = history
        self._deletions = deletions
        self._claims = claims
        self._path = path
        self._also = also
        self._erase_log = erase_log
        self._loop = Periodic("deletions", SWEEP_SECONDS, self.sweep)
        self.uses: PollUses = Unused()

    def start(self) -> None:
        """Start sweeping."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop sweeping; another instance goes on."""
        await self._loop.aclose()

    async def delete(self, caller: Caller, poll_id: str) -> None:
        """Delete a poll with its votes, likes, history, invites and counts.

        Raises :class:`~quickpoll.errors.PollNotFound` and :class:`~quickpoll.errors.Forbidden`.
        """
        check_manages(caller, (await self._polls.fresh(poll_id)).poll)
        await self._path.whole(self._delete(caller, poll_id))

    async def remove(self, poll_id: str) -> None:
        """The same, for the service itself.

        Raises :class:`~quickpoll.errors.PollNotFound`.
        """
        await self._path.whole(self._delete(None, poll_id))

    async def sweep(self) -> None:
        """Finish deletions: a vote that was under way may have been written after the first."""
        for deletion in await self._deletions.due():
            if await self._deletions.is_void(deletion):
                await self._deletions.forget(deletion)
                continue
            if deletion.announced:
                gone = await self._erase(deletion)
            else:
                gone = await self._erase_and_announce(deletion)
            if gone:
                await self._deletions.swept(deletion)

    async def _delete(self, caller: Caller | None, poll_id: str) -> None:
        gone = False
        while not gone:  # changed in between: it is deleted as it is now
            poll = (await self._polls.fresh(poll_id)).poll
            if caller is not None:
                check_manages(caller, poll)
            deletion = _deletion_of(poll)
            await self._deletions.note(deletion)
            gone = await self._erase_and_announce(deletion)
        log.info("poll_deleted", poll_id=poll_id)

    async def _erase_and_announce(self, deletion: Deletion) -> bool:
        """Answers whether the poll is gone; where it is not, nothing of it is."""
        poll_id, option_ids = str(deletion.id), [str(option) for option in deletion.option_ids]
        outcome = await self._path.delete_poll(
            poll_id, option_ids, lambda: self._erase(deletion), public=deletion.public
        )
        if outcome is Removal.TOLD:
            await self._deletions.announced(deletion)
        return outcome is not Removal.VOID

    async def _erase(self, deletion: Deletion) -> bool:
        poll_id = str(deletion.id)
        if not await self._polls.delete(poll_id, deletion.revision):
            return False
        if deletion.logged and self._erase_log is not None:
            await self._erase_log(poll_id)
        await asyncio.gather(
            self._claims.finish(ObjectId(poll_id)),
            self._votes.delete_all(poll_id),
            self._likes.delete_all(poll_id),
            self._history.delete_all(poll_id),
            self.uses.poll_deleted(poll_id),
            *[erase(poll_id) for erase in self._also],
        )
        return True


def _deletion_of(poll: Poll) -> Deletion:
    return Deletion(
        id=poll.id,
        option_ids=[option.id for option in poll.options],
        revision=poll.revision,
        public=poll.visibility == PUBLIC,
        logged=poll.log_key != "",
    )
