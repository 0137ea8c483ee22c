"""How each kind of thing that is held of a person is erased, in steps of bounded size.

Every step finds by itself what is left to do and may be done twice, at the same time even: so
whoever is killed in the middle, another one goes on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

SOME = 100
"""Documents of one step: less than a second's work, so that the lease is kept."""

AT_ONCE = 8
"""Changes of polls that a step makes at the same time."""


class Eraser(Protocol):
    """Erases what some collections hold of a person. All raise MongoDB errors."""

    async def some(self, user_id: str, before: datetime | None = None) -> int:
        """Erase some of it, of what was made ``before`` that moment where one is given; answers how
        much was found."""

    async def left(self, user_id: str) -> int:
        """How much there is."""
