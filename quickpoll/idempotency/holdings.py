"""What this room holds of people."""

from __future__ import annotations

from quickpoll.foundation.stores.holdings import Fate, Holding
from quickpoll.idempotency.models import Claim

HOLDINGS = (
    Holding(
        Claim.__collection__,
        "Who sent which request under which key, what it made for whom, and how it was answered."
        " For 24 hours.",
        Fate.DELETED,
        ("userId", "made.userId"),
    ),
)
