"""Codes as MongoDB keeps them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from bson import ObjectId
from odmantic import Field, Model
from pymongo import IndexModel

KEPT_SECONDS: Final = 30 * 24 * 3600
"""How long a code that has ended is not given out again."""


class ShareCode(Model):
    """A code, the ``kind`` of what it leads to, and the id of that.

    ``living`` until it has ended: then ``ended_at`` says when, and it leads nowhere for good. What
    it leads to has one living code.
    """

    code: str
    kind: str
    target: ObjectId
    created_at: datetime = Field(key_name="createdAt")
    living: bool = True
    ended_at: datetime | None = Field(default=None, key_name="endedAt")

    model_config = {"collection": "share_code", "indexes": lambda: _indexes()}


def _indexes() -> list[IndexModel]:
    ever = {"endedAt": {"$gt": datetime.fromtimestamp(0, UTC)}}
    return [
        IndexModel([("code", 1)], name="one_code", unique=True),
        IndexModel(
            [("target", 1)],
            name="one_living",
            unique=True,
            partialFilterExpression={"living": True},
        ),
        IndexModel([("living", 1), ("_id", 1)], name="to_look_at"),
        IndexModel(
            [("endedAt", 1)],
            name="age",
            expireAfterSeconds=KEPT_SECONDS,
            partialFilterExpression=ever,
        ),
    ]
