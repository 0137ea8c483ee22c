"""What this room holds of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from quickpoll.foundation.stores.holdings import Export, Fate, Holding
from quickpoll.foundation.stores.mongo import Document
from quickpoll.webhooks.bodies import fields_of
from quickpoll.webhooks.models import BOOKKEEPING, Delivery, Intent, Lane, Stream, Webhook


def _shown(document: Document, _: datetime) -> dict[str, Any]:
    webhook: Webhook = Webhook.model_validate_doc(document)
    return fields_of(webhook)


HOLDINGS = (
    Holding(
        Webhook.__collection__,
        "Whose webhook it is, and where it leads. Until it is deleted.",
        Fate.STEPWISE,
        ("userId",),
        since="since",
        exports=(Export("webhooks", lambda user: {"userId": user}, _shown),),
    ),
    Holding(
        Delivery.__collection__,
        "What was told of whose poll, as it was sent. For 30 days.",
        Fate.DELETED,
        ("ownerId",),
        since="at",
    ),
    Holding(
        Intent.__collection__,
        "What is about to be told of whose poll or session. For seconds, or as long as a receiver"
        " cannot be reached.",
        Fate.DELETED,
        ("stash.owner",),
        since="at",
    ),
    Holding(Stream.__collection__, "How far the events of a poll were told."),
    Holding(Lane.__collection__, "Which messages wait."),
    Holding(BOOKKEEPING, "Which instance sends, and how often webhooks were changed."),
)
