"""What polls are used for beyond being voted on: it may refuse a change, and hears of others."""

from __future__ import annotations

from typing import Protocol


class PollUses(Protocol):
    """What has polls in it."""

    async def check_guests(self, poll_id: str, guests: str) -> None:
        """Raises what keeps a poll from admitting these guests. Whoever takes the poll up later
        makes the change void, or finds it (:meth:`~quickpoll.polls.store.PollStore.take_up`)."""

    async def poll_changed(self, poll_id: str) -> None:
        """The question of a poll has changed, or its options."""

    async def poll_deleted(self, poll_id: str) -> None:
        """A poll is gone. May be told several times."""


class Unused:
    """Polls that are used for nothing else."""

    async def check_guests(self, poll_id: str, guests: str) -> None:
        """Any."""

    async def poll_changed(self, poll_id: str) -> None:
        """Nobody minds."""

    async def poll_deleted(self, poll_id: str) -> None:
        """Nobody misses it."""
