"""Likes as MongoDB keeps them."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId
from odmantic import Field, Index, Model
from odmantic.query import asc
from pymongo import IndexModel

kept_seconds = 3600
"""How long a like that was taken back stays at the most; as a rule a sweep takes it within
seconds."""


class Like(Model):
    """Whether one user likes one poll. One that was taken back goes after ``taken_back_at``."""

    user_id: ObjectId = Field(key_name="userId")
    poll_id: ObjectId = Field(key_name="pollId")
    created_at: datetime = Field(key_name="createdAt")
    liked: bool = True
    revision: int = 0
    taken_back_at: datetime | None = Field(default=None, key_name="takenBackAt")

    model_config = {
        "collection": "like",
        "indexes": lambda: [
            Index(asc(Like.user_id), asc(Like.poll_id), unique=True, name="one_like"),
            Index(asc(Like.poll_id), asc(Like.liked), name="counting"),
            IndexModel([("takenBackAt", 1)], name="taken_back", expireAfterSeconds=kept_seconds),
        ],
    }
