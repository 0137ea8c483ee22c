"""What this room holds of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import ObjectId

from quickpoll.foundation.stores.holdings import Export, Fate, Holding
from quickpoll.foundation.stores.mongo import Document
from quickpoll.management.models import Deletion, HistoryRow
from quickpoll.management.rules import history_row
from quickpoll.polls.holdings import changed_by
from quickpoll.polls.models import Poll


def _row(document: Document, _: datetime) -> dict[str, Any]:
    row = history_row(document, with_author=False)
    return {"pollId": str(document["pollId"]), **row}


def _last_row(document: Document, now: datetime) -> dict[str, Any]:
    return _row({**document["lastChange"], "pollId": document["_id"]}, now)


def _own_last(user: ObjectId) -> Document:
    return {"userId": user, "lastChange.by.id": user}


def _last_of_others(user: ObjectId) -> Document:
    return {**changed_by(user), "userId": {"$ne": user}}


HOLDINGS = (
    Holding(
        HistoryRow.__collection__,
        "Who changed a poll, when and how. As long as the poll.",
        Fate.NAMELESS,
        ("by.id",),
        since="at",
        exports=(
            Export("changes", lambda user: {"by.id": user}, _row),
            # The latest row stands in the poll itself.
            Export("changes", _own_last, _last_row, Poll.__collection__),
            Export("changes", _last_of_others, _last_row, Poll.__collection__),
        ),
    ),
    Holding(Deletion.__collection__, "Which polls are being deleted; for an hour."),
)
