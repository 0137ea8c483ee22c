"""What this room holds of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from quickpoll.foundation.stores.holdings import Export, Fate, Holding
from quickpoll.foundation.stores.mongo import Document
from quickpoll.sessions.bodies import fields_of
from quickpoll.sessions.models import Session


def _shown(document: Document, _: datetime) -> dict[str, Any] | None:
    session: Session = Session.model_validate_doc(document)
    return None if session.deleted_at is not None else fields_of(session)


HOLDINGS = (
    Holding(
        Session.__collection__,
        "Whose evening it is. Until its owner or an administrator deletes it, and that it was"
        " theirs for a day after.",
        Fate.STEPWISE,
        ("userId",),
        exports=(Export("sessions", lambda user: {"userId": user}, _shown),),
    ),
)
