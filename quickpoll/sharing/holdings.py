"""What this room holds of people."""

from __future__ import annotations

from quickpoll.foundation.stores.holdings import Holding
from quickpoll.sharing.models import ShareCode

HOLDINGS = (Holding(ShareCode.__collection__, "Which code leads to which page. Nobody."),)
