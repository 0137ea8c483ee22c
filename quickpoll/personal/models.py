"""Erasures and what they leave behind, as MongoDB keeps them. None of it names anybody once the
erasure is done."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId
from odmantic import Field, Index, Model
from odmantic.query import asc
from pymongo import IndexModel

RUNNING, DONE = "running", "done"


class Erasure(Model):
    """The erasure of one person's data; one a person, however often it is asked for.

    ``person`` is a keyed hash of their id, by which the same again finds it. ``user_id`` stands
    here only while it is ``running``. After that ``sealed`` holds it, encrypted, for the hour in
    which writes may arrive that were sent before ``done_at``; ``sweep_at`` is when they are looked
    for next, ``sweeps`` how often that was done. ``runs`` counts how often it began.
    """

    person: bytes
    status: str = RUNNING
    user_id: ObjectId | None = Field(default=None, key_name="userId")
    requested_at: datetime = Field(key_name="requestedAt")
    runs: int = 1
    done_at: datetime | None = Field(default=None, key_name="doneAt")
    sealed: bytes | None = None
    sweeps: int = 0
    sweep_at: datetime | None = Field(default=None, key_name="sweepAt")

    model_config = {
        "collection": "erasure",
        "indexes": lambda: [
            Index(asc(Erasure.person), unique=True, name="one_erasure"),
            Index(asc(Erasure.status), name="running"),
            IndexModel(
                [("sweepAt", 1)],
                name="to_sweep",
                partialFilterExpression={"sweepAt": {"$gt": datetime.fromtimestamp(0)}},
            ),
        ],
    }


class Tombstone(Model):
    """That somebody, who is nobody now, has had a ballot (or like) on a poll.

    Its id is a keyed hash of poll and person. ``voted``: they may not vote there again. Otherwise
    it only tells that what may still arrive in their name is late.
    """

    id: bytes = Field(primary_field=True)
    poll_id: ObjectId = Field(key_name="pollId")
    voted: bool = False
    at: datetime

    model_config = {
        "collection": "tombstone",
        "indexes": lambda: [Index(asc(Tombstone.poll_id), name="of_poll")],
    }


class PersonalKey(Model):
    """The random key of all keyed hashes of people."""

    id: str = Field(primary_field=True)
    secret: bytes

    model_config = {"collection": "personal_key"}


PERSONAL_MODELS = (Erasure, Tombstone, PersonalKey)
