"""What this room holds of people in MongoDB."""

from __future__ import annotations

from quickpoll.foundation.stores.holdings import Holding
from quickpoll.repair import restored

HOLDINGS = (Holding(restored.COLLECTION, "A heartbeat, to notice a restored backup."),)
