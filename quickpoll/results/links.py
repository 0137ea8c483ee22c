"""Links from one page of a list to the next."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from quickpoll.results.bodies import PollQuery


def next_link(query: PollQuery, address: str) -> Callable[[str], str]:
    """The address of the page at a cursor, of the list at ``address``."""
    asked = query.model_dump(
        mode="json",
        by_alias=True,
        exclude_none=True,
        exclude_defaults=True,
        exclude={"cursor", "context"},
    )
    asked |= {f"context.{key}": value for key, value in query.context.items()}

    def at(cursor: str) -> str:
        return f"{address}?{urlencode({**asked, 'cursor': cursor})}"

    return at
