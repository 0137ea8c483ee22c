"""Likes as MongoDB keeps them."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId
from odmantic import Field, Index, Model
from odmantic.query import asc


class Like(Model):
    """Whether one user likes one poll. One that was taken back stays, as not ``liked``."""

    user_id: ObjectId = Field(key_name="userId")
    poll_id: ObjectId = Field(key_name="pollId")
    created_at: datetime = Field(key_name="createdAt")
    liked: bool = True
    revision: int = 0

    model_config = {
        "collection": "like",
        "indexes": lambda: [
            Index(asc(Like.user_id), asc(Like.poll_id), unique=True, name="one_like"),
            Index(asc(Like.poll_id), asc(Like.liked), name="counting"),
        ],
    }
