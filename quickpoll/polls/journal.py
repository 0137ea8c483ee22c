"""Whoever must know of a change of a poll before it is written, so that no crash hides it."""

from __future__ import annotations

from typing import Any, Protocol

from bson import ObjectId

from quickpoll.polls.models import Poll


class Journal(Protocol):
    """Is told what is about to be written to a poll's document. What it raises ends the write."""

    async def before_insert(self, poll: Poll) -> None:
        """This new poll."""

    async def before_change(self, poll: Poll, fields: dict[str, Any]) -> None:
        """These fields, to a poll that is at this revision."""

    async def before_delete(self, poll_id: ObjectId) -> int | None:
        """Its deletion; answers the revision at which alone it may be deleted, where that
        matters."""


class SilentJournal:
    """Nobody wants to know."""

    async def before_insert(self, poll: Poll) -> None:
        """Nothing to be done."""

    async def before_change(self, poll: Poll, fields: dict[str, Any]) -> None:
        """Nothing to be done."""

    async def before_delete(self, poll_id: ObjectId) -> int | None:
        """At any revision."""
        return None
