"""Invites as MongoDB keeps them: never as they were written."""

from __future__ import annotations

from datetime import UTC, datetime

from bson import ObjectId
from odmantic import Field, Index, Model
from odmantic.query import asc


def _now() -> datetime:
    return datetime.now(UTC)


class Invite(Model):
    """One invite to a poll or a session, ``topic_id``.

    The document's id is the keyed hash of the invite, and the id of the guest who enters by it
    (:meth:`.secrets.GuestSecrets.user_id`): so the one index that every collection has decides that
    an invite is one guest. ``used``: somebody has entered by it.
    """

    topic_id: ObjectId = Field(key_name="topicId")
    used: bool = False
    created_at: datetime = Field(default_factory=_now, key_name="createdAt")

    model_config = {
        "collection": "invite",
        "indexes": lambda: [Index(asc(Invite.topic_id), asc(Invite.used), name="of_topic")],
    }
