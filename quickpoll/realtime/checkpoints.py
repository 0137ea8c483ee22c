"""The checkpoints that updates carry: who watches a verifiable poll is a witness of its log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from pymongo.errors import PyMongoError

from quickpoll.polls.store import KnownPoll
from quickpoll.transparency.state import Published
from quickpoll.verification.notes import to_base64


class Heads(Protocol):
    """Knows what is published of logs."""

    async def published(self, poll_ids: Iterable[str]) -> dict[str, Published]:
        """What is published of these polls' logs."""


class Checkpoints:
    """Size and root of the last published checkpoint, for polls that have a log."""

    def __init__(self, heads: Heads) -> None:
        self._heads = heads

    async def of(self, polls: Iterable[KnownPoll]) -> dict[str, dict[str, Any]]:
        """By poll; none where MongoDB does not answer: an update is worth more than this."""
        with_log = [one.id for one in polls if one.poll.verifiable]
        if not with_log:
            return {}
        try:
            found = await self._heads.published(with_log)
        except PyMongoError:
            return {}
        return {
            poll_id: {"size": head.size, "root": to_base64(head.root)}
            for poll_id, head in found.items()
        }
