"""The checkpoints that updates carry: who watches a verifiable poll is a witness of its log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pymongo.errors import PyMongoError

from quickpoll.polls.store import KnownPoll
from quickpoll.transparency.store import LogStore
from quickpoll.verification.notes import to_base64


class Checkpoints:
    """Size and root of the last published checkpoint, for polls that have a log."""

    def __init__(self, logs: LogStore) -> None:
        self._logs = logs

    async def of(self, polls: Iterable[KnownPoll]) -> dict[str, dict[str, Any]]:
        """By poll; none where MongoDB does not answer: an update is worth more than this."""
        with_log = [one.id for one in polls if one.poll.verifiable]
        if not with_log:
            return {}
        try:
            found = await self._logs.published(with_log)
        except PyMongoError:
            return {}
        return {
            poll_id: {"size": head.size, "root": to_base64(head.root)}
            for poll_id, head in found.items()
        }
