"""What the life of a poll asks of its log; :mod:`quickpoll.transparency` keeps the logs."""

from __future__ import annotations

from typing import Protocol

from quickpoll.polls.models import Poll


class PollLogs(Protocol):
    """The logs of verifiable polls."""

    @property
    def newest_key(self) -> str:
        """The verifier key of logs that begin now; empty where none can begin."""

    async def keep_up(self, poll_id: str, *, with_ballots: bool = False) -> None:
        """Publish what was changed about a poll (and, where asked for, what its ballots bring).

        Raises errors of MongoDB and :class:`~quickpoll.errors.Unavailable`; it is done later then.
        """

    def soon(self, poll_id: str) -> None:
        """The same with all that waits, in the background."""

    async def has_logged(self, poll: Poll) -> bool:
        """Whether the log has each close and each reopening of the poll as it is here."""

    async def delete_all(self, poll_id: str) -> None:
        """Delete the log of a poll."""


class NoLogs:
    """No poll has a log."""

    newest_key = ""

    async def keep_up(self, poll_id: str, *, with_ballots: bool = False) -> None:
        """There is nothing to publish."""

    def soon(self, poll_id: str) -> None:
        """There is nothing to publish."""

    async def has_logged(self, poll: Poll) -> bool:
        """There is nothing to log."""
        return True

    async def delete_all(self, poll_id: str) -> None:
        """There is nothing to delete."""
