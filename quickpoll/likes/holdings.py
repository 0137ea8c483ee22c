"""What this room holds of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from quickpoll.foundation.stores.holdings import Export, Fate, Holding
from quickpoll.foundation.stores.mongo import Document
from quickpoll.likes.models import Like
from quickpoll.polls.bodies import instant


def _shown(document: Document, _: datetime) -> dict[str, Any]:
    return {"pollId": str(document["pollId"]), "createdAt": instant(document["createdAt"])}


HOLDINGS = (
    Holding(
        Like.__collection__,
        "Who likes which poll, and since when; also that a like was taken back. As long as the"
        " poll.",
        Fate.STEPWISE,
        ("userId",),
        exports=(Export("likes", lambda user: {"userId": user, "liked": True}, _shown),),
    ),
)
