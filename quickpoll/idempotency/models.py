"""Requests that were sent under a key, as MongoDB keeps them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from odmantic import Field, Index, Model
from odmantic.query import asc
from pymongo import IndexModel

KEPT_SECONDS: Final = 24 * 3600
"""How long a key means the request that it was first sent with."""


class Claim(Model):
    """A request under its key: what is to come of it, decided before anything is done.

    ``digest`` is that of the request's body, ``made`` the document that the request creates (its
    id is ``madeId`` also here), ``answer`` the body of the answer, ``done`` whether it was created;
    what is done once is not done again, even if it is gone since.
    """

    user_id: ObjectId = Field(key_name="userId")
    operation: str
    key: str
    digest: str
    made_id: ObjectId = Field(key_name="madeId")
    made: dict[str, Any]
    answer: bytes
    done: bool = False
    created_at: datetime = Field(key_name="createdAt")

    model_config = {
        "collection": "claim",
        "indexes": lambda: [
            Index(
                asc(Claim.user_id),
                asc(Claim.operation),
                asc(Claim.key),
                unique=True,
                name="one_claim",
            ),
            Index(asc(Claim.made_id), name="made"),
            IndexModel([("made.userId", 1)], name="made_for"),
            IndexModel([("createdAt", 1)], name="age", expireAfterSeconds=KEPT_SECONDS),
        ],
    }
