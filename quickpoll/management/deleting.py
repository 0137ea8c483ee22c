"""Deleting polls: all of a poll goes, whatever dies in between and whoever votes meanwhile.

A sweep afterwards takes what arrived late; it takes, too, what is left of votes and likes that were
taken back, once no late insert can bring them back.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from quickpoll.auth.caller import Caller
from quickpoll.foundation.ending import end
from quickpoll.foundation.mongo import is_outage
from quickpoll.likes.store import LikeStore
from quickpoll.management.store import DeletionStore, HistoryStore
from quickpoll.polls.models import public
from quickpoll.polls.rules import check_manages
from quickpoll.polls.store import PollStore
from quickpoll.tallies.announcing import Announcer
from quickpoll.tallies.counters import write_seconds
from quickpoll.tallies.gate import Gate
from quickpoll.votes.store import VoteStore

log = structlog.get_logger(__name__)

sweep_seconds = 1.0


class Deleting:
    """Deletes polls; a sweep afterwards takes what arrived late."""

    def __init__(
        self,
        polls: PollStore,
        votes: VoteStore,
        likes: LikeStore,
        history: HistoryStore,
        deletions: DeletionStore,
        gate: Gate,
        announcer: Announcer,
    ) -> None:
        self._polls = polls
        self._votes = votes
        self._likes = likes
        self._history = history
        self._deletions = deletions
        self._gate = gate
        self._announcer = announcer
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start sweeping."""
        self._loop = asyncio.create_task(self._sweep_forever(), name="deletion-sweep")

    async def aclose(self) -> None:
        """Stop sweeping; another instance goes on."""
        if self._loop is not None:
            await end(self._loop)

    async def delete(self, caller: Caller, poll_id: str) -> None:
        """Delete a poll with its votes, likes, history and counts.

        Raises :class:`~quickpoll.errors.PollNotFound` and :class:`~quickpoll.errors.Forbidden`.
        """
        poll = (await self._polls.fresh(poll_id)).poll
        check_manages(caller, poll)
        await self._deletions.note(poll)
        async with self._gate.closed_if_possible(poll_id):
            await self._erase(poll_id)
            await self._announcer.removed(
                poll_id, poll.option_ids(), public=poll.visibility == public
            )
        log.info("poll_deleted", poll_id=poll_id, user_id=caller.user_id)

    async def sweep(self) -> None:
        """Finish deletions: a vote that was under way may have been written after the first."""
        await self.drop_empty(datetime.now(UTC) - timedelta(seconds=write_seconds))
        for poll_id, option_ids in await self._deletions.ripe(2 * write_seconds):
            await self._erase(poll_id)
            if await self._announcer.removed_again(poll_id, option_ids):
                await self._deletions.done(poll_id)

    async def drop_empty(self, before: datetime) -> None:
        """Delete the empty ballots and likes of those who took theirs back before that moment."""
        await asyncio.gather(self._votes.drop_empty(before), self._likes.drop_empty(before))

    async def _erase(self, poll_id: str) -> None:
        # The poll first: from then on votes get 404 and nothing counts it anew.
        await self._polls.delete(poll_id)
        await asyncio.gather(
            self._votes.delete_all(poll_id),
            self._likes.delete_all(poll_id),
            self._history.delete_all(poll_id),
        )

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(sweep_seconds)
            try:
                await self.sweep()
            except Exception as error:
                if not is_outage(error):
                    log.exception("sweep_failed")
