"""What this room holds of people."""

from __future__ import annotations

from quickpoll.foundation.stores.holdings import Holding
from quickpoll.people import lease

HOLDINGS = (Holding(lease.COLLECTION, "Which instance carries on erasures."),)
