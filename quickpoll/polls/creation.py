"""Creating polls."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from quickpoll.counting.counted_path import CountedPath
from quickpoll.errors import PollNotFound
from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.logs import NoLogs, PollLogs
from quickpoll.polls.models import Poll
from quickpoll.polls.store import KnownPoll, PollStore

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

NEW = "new"
"""The token of a poll that has no log yet."""


class PollCreation:
    """Stores new polls, starts their counts at zero and announces them; the log of one that is to
    be verifiable is there before it is answered."""

    def __init__(self, polls: PollStore, path: CountedPath, logs: PollLogs | None = None) -> None:
        self._polls = polls
        self._path = path
        self._logs = logs or NoLogs()

    async def whole(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The outcome of ``work``, which comes to its end even if its caller is cancelled."""
        return await self._path.whole(work)

    async def store(self, poll: Poll) -> KnownPoll:
        """Store a poll that was made elsewhere."""
        if poll.verifiable:
            poll.log_key, poll.log_due = poll.log_key or self._logs.newest_key, NEW
        known = await self._path.whole(self._store(poll))
        log.info("poll_created", poll_id=known.id)
        return known

    async def _store(self, poll: Poll) -> KnownPoll:
        async def insert() -> bool:
            return await self._polls.insert(poll)

        poll_id = str(poll.id)
        is_new = await self._path.create_poll(poll_id, poll.option_ids(), poll.revision, insert)
        # One that was there may have been changed since.
        known = self._polls.remember(poll) if is_new else await self._polls.fresh(poll_id)
        if poll.verifiable:
            await self._logs.keep_up(poll_id)
        return known

    async def store_once(self, document: Document, perhaps_there: bool) -> bool:
        """Store a poll unless it is there; answers whether it was not."""
        poll: Poll = Poll.model_validate_doc(document)
        if perhaps_there and await self._is_there(str(poll.id)):
            if poll.verifiable:
                await self._logs.keep_up(str(poll.id))
            return False
        await self.store(poll)
        return True

    async def _is_there(self, poll_id: str) -> bool:
        try:
            await self._polls.fresh(poll_id)
        except PollNotFound:
            return False
        return True
