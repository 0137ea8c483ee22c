"""What can be shared: whatever has a page. A room that has pages says so by this protocol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from quickpoll.auth.caller import Caller


@dataclass(frozen=True, slots=True)
class SharedPage:
    """The page of something as it is now: its path, and since when it is over (``None``: not)."""

    path: str
    over_since: datetime | None = None


class SharedPages(Protocol):
    """All pages of one kind."""

    kind: str
    """As it stands in the database; never changed."""

    async def managed(self, caller: Caller, target: str) -> SharedPage:
        """The page, for a caller who may share it. Raises what says why not."""

    async def pages(self, targets: Iterable[str]) -> dict[str, SharedPage]:
        """Those of the pages that there are, by their ids."""
