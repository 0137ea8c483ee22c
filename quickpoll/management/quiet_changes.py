"""Changes of polls that have no row in the history: the service makes them because a person leaves,
and a row would say who.

They go the counted path like all others, so every instance goes by them once they are made.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from bson import ObjectId

from quickpoll.counting.counted_path import CountedPath
from quickpoll.counting.tally import PollChange
from quickpoll.errors import PollNotFound
from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.models import CLOSED, NOBODY, Links, Poll
from quickpoll.polls.store import PollStore

Decide = Callable[[Poll], Document]
"""What changes of a poll, as MongoDB keeps it; nothing where it is so already."""


class QuietChanges:
    """Changes polls without a word in their history; a poll that is gone is no error."""

    def __init__(self, polls: PollStore, path: CountedPath) -> None:
        self._polls = polls
        self._path = path

    async def disown(self, poll_id: str, user_id: str) -> None:
        """Let a poll that is this user's be nobody's, and its latest change be by nobody."""
        await self._make(poll_id, lambda poll: _without(poll, ObjectId(user_id)))

    async def keep_out(self, poll_id: str) -> None:
        """Somebody has left the poll: from now on its voters are compared with the tombstones."""
        await self._make(poll_id, lambda poll: {} if poll.tombstones else {"tombstones": True})

    async def set_links(self, poll_id: str, links: Links) -> bool:
        """Say what has become of the links between the ballots of a closed poll and its voters;
        answers whether it is so now."""

        def decide(poll: Poll) -> Document:
            return {"links": links} if poll.status == CLOSED and poll.links != links else {}

        poll = await self._make(poll_id, decide)
        return poll is not None and poll.links == links

    async def _make(self, poll_id: str, decide: Decide) -> Poll | None:
        with suppress(PollNotFound):
            return await self._path.whole(
                self._path.change_poll(poll_id, lambda: self._write(poll_id, decide))
            )
        return None

    async def _write(self, poll_id: str, decide: Decide) -> tuple[PollChange, Poll]:
        while True:
            known = await self._polls.fresh(poll_id)
            fields = decide(known.poll)
            # Perhaps it was changed before, and not everybody has heard.
            written = await self._polls.change(known.poll, fields) if fields else known
            if written is not None:
                poll, options = written.poll, tuple(written.option_order)
                return PollChange("updated", poll.revision, options, not fields), poll


def _without(poll: Poll, user: ObjectId) -> Document:
    fields: Document = {"userId": NOBODY} if poll.user_id == user else {}
    by = (poll.last_change or {}).get("by") or {}
    return {**fields, "lastChange.by.id": None} if by.get("id") == user else fields
