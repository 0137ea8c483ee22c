"""Which instance erases and retains: one at a time."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from quickpoll.foundation.stores.lease import Lease
from quickpoll.foundation.stores.mongo import Database

COLLECTION = "lease"
NAME = "people"


def lease_of(instance: str, database: Database, clock: Callable[[], float] = monotonic) -> Lease:
    """The lease as one instance sees it."""
    return Lease(instance, database[COLLECTION], NAME, clock)
