"""Creating polls."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from quickpoll.foundation.redis import RedisAway
from quickpoll.polls.bodies import NewPoll
from quickpoll.polls.models import Poll
from quickpoll.polls.rules import make_poll
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.tallies.bell import Bell, Ring
from quickpoll.tallies.counters import Counters
from quickpoll.tallies.tally import microseconds

log = structlog.get_logger(__name__)


class PollCreation:
    """Stores new polls, starts their counts at zero and announces them."""

    def __init__(self, polls: PollStore, counters: Counters, bell: Bell) -> None:
        self._polls = polls
        self._counters = counters
        self._bell = bell

    async def create(self, new: NewPoll, user_id: str) -> KnownPoll:
        """Create a poll. Raises :class:`~quickpoll.errors.InvalidRequest`."""
        return await self.store(make_poll(new, user_id, datetime.now(UTC)))

    async def store(self, poll: Poll) -> KnownPoll:
        """Store a poll that was made elsewhere."""
        known = await self._polls.insert(poll)
        try:
            await self._counters.create(known.id, poll.option_ids(), poll.revision)
        except RedisAway:
            # Its counts are made when somebody asks for them.
            self._bell.ring(Ring("poll-update", known.id, microseconds(), "created"))
        log.info("poll_created", poll_id=known.id, user_id=str(poll.user_id))
        return known
