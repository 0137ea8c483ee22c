"""What this room holds of people in MongoDB."""

from __future__ import annotations

from quickpoll.counting import direct, uncounted
from quickpoll.foundation.stores.holdings import Fate, Holding

HOLDINGS = (
    Holding(
        uncounted.COLLECTION,
        "Whose ballots and likes may still be on their way, or were asked for again, while Redis is"
        " away. Until some seconds after it is back.",
        Fate.PASSING,
        ("voters.user", "likers.user"),
    ),
    Holding(direct.COLLECTION, "Counts that were read in MongoDB, without people."),
)
