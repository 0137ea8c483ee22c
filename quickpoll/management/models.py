"""What was changed about a poll, and which polls are being deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from odmantic import Field, Index, Model
from odmantic.query import asc
from pymongo import IndexModel


class HistoryRow(Model):
    """One change of a poll; the latest stands in the poll itself.

    ``before`` and ``after`` hold the fields that changed under their wire names, ``by`` who changed
    them: ``{type, id}``.
    """

    poll_id: ObjectId = Field(key_name="pollId")
    revision: int
    at: datetime
    change: str
    before: dict[str, Any]
    after: dict[str, Any]
    by: dict[str, Any] | None = None

    model_config = {
        "collection": "poll_change",
        "indexes": lambda: [
            Index(asc(HistoryRow.poll_id), asc(HistoryRow.revision), unique=True, name="history"),
            IndexModel([("by.id", 1)], name="by_person"),
        ],
    }


def _now() -> datetime:
    return datetime.now(UTC)


class Deletion(Model):
    """A poll that is being deleted (its id is the document's), until nothing of it is left.

    ``at`` is when it is swept next, ``sweeps`` how often it was, ``revision`` that of the poll when
    it was to be deleted, ``public`` whether everybody may hear of it, ``logged`` whether the
    poll may have a log, ``announced`` whether everybody heard of it.
    """

    option_ids: list[ObjectId] = Field(key_name="optionIds")
    revision: int = 0
    public: bool = False
    logged: bool = True
    announced: bool = False
    sweeps: int = 0
    at: datetime = Field(default_factory=_now)

    model_config = {"collection": "deletion", "indexes": lambda: [Index(Deletion.at, name="age")]}
