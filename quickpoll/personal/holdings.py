"""What this room holds of people."""

from __future__ import annotations

from quickpoll.foundation.stores.holdings import Fate, Holding
from quickpoll.personal.models import Erasure, PersonalKey, Tombstone

HOLDINGS = (
    Holding(
        Erasure.__collection__,
        "That somebody's data was erased, under a keyed hash. Their id while that is under way, and"
        " encrypted for an hour after it.",
        Fate.STEPWISE,
        ("userId",),
        since="requestedAt",
    ),
    Holding(
        Tombstone.__collection__,
        "That somebody who was erased has voted on a poll, under a keyed hash. Until the poll is"
        " deleted, or the retention of closed polls is over.",
    ),
    Holding(PersonalKey.__collection__, "The random key of those hashes."),
)
