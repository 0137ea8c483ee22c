"""Votes as MongoDB keeps them: one document a ballot."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import ObjectId
from odmantic import Field, Index, Model
from odmantic.query import asc
from pymongo import IndexModel


class Vote(Model):
    """The ballot of one user on one poll.

    ``option_ids`` are in the poll's order. ``created_at`` is when the ballot was first cast,
    ``cast_at`` the moment of its present choice, ``revision`` counts the writes. A ballot that
    was taken back has no options; where its voter votes anew, ``ballot_id`` is the id of the new
    one. ``guest``: a guest's; it is there only where that is so. ``log`` and ``unlogged``: see
    :mod:`.logged`; only ballots on verifiable polls have them.
    """

    user_id: ObjectId = Field(key_name="userId")
    poll_id: ObjectId = Field(key_name="pollId")
    option_ids: list[ObjectId] = Field(key_name="optionIds")
    created_at: datetime = Field(key_name="createdAt")
    cast_at: datetime = Field(key_name="castAt")
    revision: int = 0
    ballot_id: ObjectId | None = Field(default=None, key_name="ballotId")
    guest: bool = False
    log: dict[str, Any] | None = None
    unlogged: str | None = None

    model_config = {
        "collection": "vote",
        "indexes": lambda: [
            Index(asc(Vote.user_id), asc(Vote.poll_id), unique=True, name="one_ballot"),
            Index(asc(Vote.poll_id), asc(Vote.option_ids), name="counting"),
            # Partial, so that ballots on other polls pay nothing for it.
            IndexModel(
                [("unlogged", 1)],
                name="unlogged",
                partialFilterExpression={"unlogged": {"$gt": ""}},
            ),
        ],
    }
