"""The results of an evening to take home."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quickpoll.results import export
from quickpoll.results.poll_view import PollView

COLUMNS = ["poll", "option", "votes", "percent"]


def as_json(views: Iterable[tuple[PollView, int]]) -> list[dict[str, Any]]:
    """The results of each poll, as its own export has them, with the number of guests' ballots."""
    return [export.as_json(view, guests) for view, guests in views]


def as_csv(views: Iterable[PollView]) -> str:
    """All results as one table."""
    rows = [
        [one["poll"]["question"], option["text"], option["votes"], f"{option['percent']:.1f}"]
        for one in as_json((view, 0) for view in views)
        for option in one["options"]
    ]
    return export.table(COLUMNS, rows)
