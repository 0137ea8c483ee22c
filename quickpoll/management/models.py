"""What was changed about a poll, and which polls are being deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import ObjectId
from odmantic import Field, Index, Model
from odmantic.query import asc


class PollChange(Model):
    """One change by the owner or an admin; the latest stands in the poll itself.

    ``before`` and ``after`` hold the fields that changed under their wire names.
    """

    poll_id: ObjectId = Field(key_name="pollId")
    revision: int
    at: datetime
    change: str
    before: dict[str, Any]
    after: dict[str, Any]

    model_config = {
        "collection": "poll_change",
        "indexes": lambda: [
            Index(asc(PollChange.poll_id), asc(PollChange.revision), unique=True, name="history")
        ],
    }


class Deletion(Model):
    """A poll that is being deleted (its id is the document's), until nothing of it is left."""

    option_ids: list[ObjectId] = Field(key_name="optionIds")
    at: datetime

    model_config = {"collection": "deletion", "indexes": lambda: [Index(Deletion.at, name="age")]}
