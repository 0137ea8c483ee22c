"""Which instance writes the logs. It saves work, and decides nothing: each step is decided by a
compare-and-set, so two that hold it for a moment harm nothing."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from odmantic import AIOEngine

from quickpoll.foundation.stores.lease import Lease
from quickpoll.transparency.models import LogLease

NAME = "sequencer"


def sequencer_lease(
    engine: AIOEngine, instance: str, clock: Callable[[], float] = monotonic
) -> Lease:
    """The lease as one instance sees it."""
    return Lease(instance, engine.get_collection(LogLease), NAME, clock)
