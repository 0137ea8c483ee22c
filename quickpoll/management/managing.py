"""Owners' acts on their polls: update, close, reopen, duplicate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.management import rules
from quickpoll.management.bodies import PollUpdate
from quickpoll.management.store import HistoryStore
from quickpoll.polls.creation import PollCreation
from quickpoll.polls.models import Option, Poll
from quickpoll.polls.rules import check_manages
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.tallies.announcing import Announcer
from quickpoll.tallies.gate import Gate

log = structlog.get_logger(__name__)

Change = Callable[[Poll, datetime], rules.Fields]


class Managing:
    """Changes polls for their owners and admins, one write a change, its history with it."""

    def __init__(
        self,
        polls: PollStore,
        history: HistoryStore,
        creation: PollCreation,
        gate: Gate,
        announcer: Announcer,
    ) -> None:
        self._polls = polls
        self._history = history
        self._creation = creation
        self._gate = gate
        self._announcer = announcer

    async def update(self, caller: Caller, poll_id: str, asked: PollUpdate) -> KnownPoll:
        """Change fields. Raises the errors of :func:`.rules.update`."""
        return await self._apply(
            caller, poll_id, "updated", lambda poll, now: rules.update(poll, asked, now)
        )

    async def close(self, caller: Caller, poll_id: str) -> KnownPoll:
        """Close a poll. Votes under way are counted first: what is then read is final."""
        async with self._gate.closed_if_possible(poll_id):
            return await self._apply(caller, poll_id, "closed", rules.close)

    async def reopen(self, caller: Caller, poll_id: str) -> KnownPoll:
        """Open a poll again."""
        return await self._apply(caller, poll_id, "reopened", rules.reopen)

    async def duplicate(self, caller: Caller, poll_id: str) -> KnownPoll:
        """A new open poll of the caller's own, with the same question, options and settings."""
        poll, now = (await self._polls.fresh(poll_id)).poll, datetime.now(UTC)
        ahead = poll.closes_at is not None and poll.closes_at > now
        copy = Poll(
            id=ObjectId(),
            question=poll.question,
            folded=poll.folded,
            user_id=ObjectId(caller.user_id),
            created_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
            options=[Option(id=ObjectId(), text=option.text) for option in poll.options],
            closes_at=poll.closes_at if ahead else None,
            min_choices=poll.min_choices,
            max_choices=poll.max_choices,
            results=poll.results,
            allow_vote_change=poll.allow_vote_change,
            visibility=poll.visibility,
        )
        return await self._creation.store(copy)

    async def history(self, poll_id: str) -> list[dict[str, Any]]:
        """What was changed about a poll, oldest first."""
        rows = await self._history.rows((await self._polls.fresh(poll_id)).poll)
        return [
            rules.history_row(row["change"], row["before"], row["after"], row["at"]) for row in rows
        ]

    async def _apply(self, caller: Caller, poll_id: str, change: str, decide: Change) -> KnownPoll:
        while True:
            known = await self._polls.fresh(poll_id)
            check_manages(caller, known.poll)
            now = datetime.now(UTC)
            changed = decide(known.poll, now)
            if not changed:
                return known
            written = await self._write(known.poll, change, changed, now)
            if written is not None:
                await self._announcer.announce(poll_id, change, written.poll.revision)
                log.info("poll_changed", poll_id=poll_id, change=change, user_id=caller.user_id)
                return written
            # Somebody else changed it, or voted on it, in between: decide again.

    async def _write(
        self, poll: Poll, change: str, changed: rules.Fields, now: datetime
    ) -> KnownPoll | None:
        await self._history.keep_last(poll)
        before, after = rules.difference(poll, changed, now)
        row = {"revision": poll.revision + 1, "at": now, "change": change}
        fields = rules.stored(changed) | {"lastChange": {**row, "before": before, "after": after}}
        unvoted = {"votedOn": {"$ne": True}} if rules.needs_no_votes(poll, changed, now) else {}
        return await self._polls.change(poll, fields, **unvoted)
