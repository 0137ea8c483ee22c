"""What this room holds of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import ObjectId

from quickpoll.foundation.stores.holdings import Export, Fate, Holding
from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.bodies import fields_of
from quickpoll.polls.models import Poll


def changed_by(user: ObjectId) -> Document:
    """The query for polls of others whose last change is this person's, as an administrator."""
    return {"lastChange.by.type": "admin", "lastChange.by.id": user}


def _shown(document: Document, now: datetime) -> dict[str, Any]:
    poll: Poll = Poll.model_validate_doc(document)
    return fields_of(poll, now)


HOLDINGS = (
    Holding(
        Poll.__collection__,
        "Whose poll it is, and who changed it last. Until the owner or an administrator deletes"
        " it.",
        Fate.STEPWISE,
        ("userId", "lastChange.by.id"),
        exports=(Export("polls", lambda user: {"userId": user}, _shown),),
    ),
)
