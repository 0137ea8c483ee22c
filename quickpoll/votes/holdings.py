"""What this room holds of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from quickpoll.foundation.stores.holdings import Export, Fate, Holding
from quickpoll.foundation.stores.mongo import Document
from quickpoll.votes.handlers import ballot_body
from quickpoll.votes.models import Vote
from quickpoll.votes.store import ballot_of_document


def _shown(document: Document, _: datetime) -> dict[str, Any] | None:
    ballot = ballot_of_document(document)
    return ballot_body(ballot) if ballot.option_ids else None


HOLDINGS = (
    Holding(
        Vote.__collection__,
        "Who chose what on which poll, and when; also that a ballot was taken back. As long as the"
        " poll, or until the retention of closed polls cuts the link.",
        Fate.STEPWISE,
        ("userId",),
        exports=(Export("ballots", lambda user: {"userId": user}, _shown),),
    ),
)
