"""Sessions as MongoDB keeps them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from bson import ObjectId
from odmantic import Field, Model
from pymongo import IndexModel

LOBBY, RUNNING, ENDED, DELETED = "lobby", "running", "ended", "deleted"

REMEMBERED_SECONDS: Final = 24 * 3600
"""How long a deleted session is known for one: so that deleting it again does no harm, and an
instance that has not heard of it finds out."""


class Session(Model):
    """The polls of an evening, in order, and the one that everybody looks at.

    ``present`` is the poll's id and not its place: so what is done to the others does not move it.
    ``shown`` are the polls that were present at some time: those keep their places. ``revision``
    counts the changes; callers know it as ``version``. ``gone`` are polls that were deleted, whose
    places are kept. ``untold`` is what webhooks have not been told yet, a note for each change
    (:mod:`.untold`). Of a deleted session only who, when and the revision is left, and that.
    """

    title: str
    user_id: ObjectId = Field(key_name="userId")
    created_at: datetime = Field(key_name="createdAt")
    poll_ids: list[ObjectId] = Field(default=[], key_name="pollIds")
    present: ObjectId | None = None
    shown: list[ObjectId] = []
    gone: list[ObjectId] = []
    status: str = LOBBY
    guests: str = "off"
    revision: int = 1
    ended_at: datetime | None = Field(default=None, key_name="endedAt")
    deleted_at: datetime | None = Field(default=None, key_name="deletedAt")
    untold: list[dict[str, Any]] = []

    model_config = {"collection": "session", "indexes": lambda: _indexes()}

    @property
    def at(self) -> int | None:
        """The place of the present poll, ``None`` where there is none."""
        return self.poll_ids.index(self.present) if self.present in self.poll_ids else None


def _indexes() -> list[IndexModel]:
    ever = {"deletedAt": {"$gt": datetime.fromtimestamp(0, UTC)}}
    return [
        IndexModel([("userId", 1), ("createdAt", -1), ("_id", -1)], name="own_newest"),
        IndexModel([("pollIds", 1)], name="by_poll"),
        IndexModel(
            [("untold.revision", 1)],
            name="untold",
            partialFilterExpression={"untold.revision": {"$gt": 0}},
        ),
        IndexModel(
            [("deletedAt", 1)],
            name="age",
            expireAfterSeconds=REMEMBERED_SECONDS,
            partialFilterExpression=ever,
        ),
    ]
