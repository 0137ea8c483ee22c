"""Webhooks and their outbox, as MongoDB keeps them.

Intent    → what is about to happen to a poll, and who is to hear of it: written before it happens
Stream    → how far the events of one poll have been told, and the batch that is being told
Delivery  → one message to one webhook, with its attempts
Lane      → deliveries of one poll to one webhook that wait: when the first of them is due
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from odmantic import Field, Index, Model
from odmantic.query import asc, desc
from pymongo import IndexModel

ACTIVE, DISABLED = "active", "disabled"
WAITING, DELIVERED, GIVEN_UP = "waiting", "delivered", "given_up"

KEPT_SECONDS: Final = 30 * 24 * 3600
"""How long messages can be looked at and sent again."""

TOPIC_GONE_SECONDS: Final = 24 * 3600
"""How long it is remembered that the end of a poll was told."""


class Webhook(Model):
    """Where messages go. ``slot`` numbers the webhooks of a user, so that an index can say that
    there are no more than ten; ``admin`` says whether an administrator set it up, who may hear of
    polls of others; ``since`` when it began to listen."""

    user_id: ObjectId = Field(key_name="userId")
    slot: int
    url: str
    events: list[str]
    poll_id: ObjectId | None = Field(default=None, key_name="pollId")
    admin: bool = False
    secret: str
    status: str = ACTIVE
    since: datetime

    model_config = {
        "collection": "webhook",
        "indexes": lambda: [
            Index(asc(Webhook.user_id), asc(Webhook.slot), unique=True, name="slots")
        ],
    }


class Intent(Model):
    """Something that is about to be written to a poll (its id is the ``topic``), under the revision
    that it will have, or that has happened to a session.

    ``wanted`` has a row ``{type, webhooks}`` for each kind of event that somebody wants to hear of.
    ``stash`` holds what would be gone afterwards: a deleted poll with the rows of its history, or
    the session as it was.
    """

    topic: ObjectId
    kind: str
    revision: int
    wanted: list[dict[str, Any]]
    at: datetime
    look_at: datetime = Field(key_name="lookAt")
    stash: dict[str, Any] | None = None

    model_config = {
        "collection": "webhook_intent",
        "indexes": lambda: [
            Index(Intent.topic, name="topic"),
            Index(Intent.look_at, name="due"),
            IndexModel(
                [("stash.owner", 1)],
                name="owner",
                partialFilterExpression={"stash.owner": {"$gt": ObjectId("0" * 24)}},
            ),
        ],
    }


class Stream(Model):
    """The events of one topic, numbered. ``batch`` holds events whose deliveries may not all be
    written yet, ``results`` what was last told of the counts, ``final_due`` a close of which the
    final counts are to be told; ``due`` says that one of these waits."""

    number: int = 0
    revision: int = 0
    deleted: bool = False
    batch: list[dict[str, Any]] = []
    results: dict[str, Any] | None = None
    final_due: dict[str, Any] | None = Field(default=None, key_name="finalDue")
    due: bool = False
    gone_at: datetime | None = Field(default=None, key_name="goneAt")

    model_config = {
        "collection": "webhook_stream",
        "indexes": lambda: [
            IndexModel([("due", 1)], name="due", partialFilterExpression={"due": True}),
            IndexModel([("goneAt", 1)], name="age", expireAfterSeconds=TOPIC_GONE_SECONDS),
        ],
    }


class Delivery(Model):
    """One message to one webhook. ``tries`` counts the attempts since it was last (re)started,
    ``owner_id`` is whose poll it tells of."""

    id: str = Field(primary_field=True)
    webhook_id: ObjectId = Field(key_name="webhookId")
    topic: ObjectId
    number: int
    message_id: str = Field(key_name="messageId")
    type: str
    body: str
    at: datetime
    owner_id: ObjectId = Field(key_name="ownerId")
    state: str = WAITING
    tries: int = 0
    attempts: list[dict[str, Any]] = []

    model_config = {
        "collection": "webhook_delivery",
        "indexes": lambda: [
            Index(
                asc(Delivery.webhook_id),
                asc(Delivery.state),
                asc(Delivery.topic),
                asc(Delivery.number),
                name="line",
            ),
            Index(asc(Delivery.webhook_id), desc(Delivery.at), name="newest"),
            Index(Delivery.owner_id, name="owner"),
            IndexModel([("at", 1)], name="age", expireAfterSeconds=KEPT_SECONDS),
        ],
    }


class Lane(Model):
    """Deliveries of one topic to one webhook that wait. ``next_at`` is when the first is due
    (``None``: not before the webhook is active again), ``version`` counts what was put in, and
    ``token`` names what was put in last (``None``: by a build that named nothing)."""

    id: str = Field(primary_field=True)
    webhook_id: ObjectId = Field(key_name="webhookId")
    topic: ObjectId
    next_at: datetime | None = Field(default=None, key_name="nextAt")
    version: int = 0
    token: str | None = None

    model_config = {
        "collection": "webhook_lane",
        "indexes": lambda: [
            IndexModel([("nextAt", 1), ("webhookId", 1)], name="due"),
            IndexModel([("webhookId", 1), ("nextAt", 1)], name="due_of_webhook"),
        ],
    }


BOOKKEEPING: Final = "webhook_bookkeeping"
"""The collection of two documents: the lease, and the number that counts changes of webhooks."""
