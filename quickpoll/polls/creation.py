"""Creating polls."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from quickpoll.counting.counted_path import CountedPath
from quickpoll.polls.bodies import NewPoll
from quickpoll.polls.models import Poll
from quickpoll.polls.rules import make_poll
from quickpoll.polls.store import KnownPoll, PollStore

log = structlog.get_logger(__name__)


class PollCreation:
    """Stores new polls, starts their counts at zero and announces them."""

    def __init__(self, polls: PollStore, path: CountedPath) -> None:
        self._polls = polls
        self._path = path

    async def create(self, new: NewPoll, user_id: str) -> KnownPoll:
        """Create a poll. Raises :class:`~quickpoll.errors.InvalidRequest`."""
        return await self.store(make_poll(new, user_id, datetime.now(UTC)))

    async def store(self, poll: Poll) -> KnownPoll:
        """Store a poll that was made elsewhere."""

        async def insert() -> KnownPoll:
            return await self._polls.insert(poll)

        known = await self._path.whole(
            self._path.create_poll(str(poll.id), poll.option_ids(), poll.revision, insert)
        )
        log.info("poll_created", poll_id=known.id)
        return known
