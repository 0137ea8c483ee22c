"""What this room holds of people."""

from __future__ import annotations

from quickpoll.foundation.stores.holdings import Fate, Holding
from quickpoll.guests.models import Invite

HOLDINGS = (
    Holding(
        Invite.__collection__,
        "By which invitation a guest has come, and where that leads: as long as the poll or the"
        " session.",
        Fate.DELETED,
        ("_id",),
    ),
)
