"""Topics: what clients follow beside polls. A room that has some says so by this protocol, and
nothing here knows what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, Self

from quickpoll.auth.caller import Caller


class Snapshot(Protocol):
    """A topic at one version, as events carry it; ``gone`` where there is nothing more to come."""

    @property
    def version(self) -> int:
        """It grows with each change."""

    @property
    def payload(self) -> dict[str, Any]:
        """What is sent."""

    @property
    def gone(self) -> bool:
        """Whether it was deleted."""

    def deleted(self, version: int) -> Self:
        """The same, deleted at that version."""


class Topics(Protocol):
    """All topics of one kind."""

    async def check(self, caller: Caller, topic: str, found: Any) -> None:
        """Whether somebody may follow a topic that was just ``found``, or was not (``None``).

        Raises what says why not.
        """

    async def read(self, topics: Iterable[str]) -> Mapping[str, Snapshot]:
        """Those that there are, as they are now."""

    async def versions(self, topics: Iterable[str]) -> dict[str, int]:
        """The versions of those that there are."""
