"""What this room holds of people."""

from __future__ import annotations

from quickpoll.foundation.stores.holdings import Holding
from quickpoll.transparency.models import LogLease, LogTile, PollLog

HOLDINGS = (
    Holding(
        PollLog.__collection__,
        "The state of the log of a verifiable poll: hashes alone. What opens them is in the"
        " ballots, and goes with the person.",
    ),
    Holding(LogTile.__collection__, "The entries of such a log: hashes that name nobody."),
    Holding(LogLease.__collection__, "Which instance writes logs."),
)
