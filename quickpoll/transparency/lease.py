"""Which instance writes the logs. It saves work, and decides nothing: each step is decided by a
compare-and-set, so two that hold it for a moment harm nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from odmantic import AIOEngine
from pymongo.errors import DuplicateKeyError

from quickpoll.foundation.concurrency.time_limits import LEASE_SECONDS
from quickpoll.transparency.models import LogLease

NAME = "sequencer"


class SequencerLease:
    """The lease of one instance, by the clocks of the instances."""

    def __init__(self, engine: AIOEngine, instance: str) -> None:
        self._leases = engine.get_collection(LogLease)
        self._instance = instance

    async def hold(self) -> bool:
        """Take it or keep it; answers whether this instance has it."""
        now = datetime.now(UTC)
        mine = {"owner": self._instance, "until": now + timedelta(seconds=LEASE_SECONDS)}
        free = {"_id": NAME, "$or": [{"owner": self._instance}, {"until": {"$lt": now}}]}
        try:
            await self._leases.update_one(free, {"$set": mine}, upsert=True)
        except DuplicateKeyError:  # another instance has it
            return False
        return True

    async def leave(self) -> None:
        """Let another instance have it at once."""
        ended = {"until": datetime.fromtimestamp(0, UTC)}
        await self._leases.update_one({"_id": NAME, "owner": self._instance}, {"$set": ended})
