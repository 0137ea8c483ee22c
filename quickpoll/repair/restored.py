"""Noticing that MongoDB was restored from a backup: its past is not that of the counts in Redis.

Invariants:

- The instance with the reconciler's lease writes a heartbeat into MongoDB, then the same one into
  Redis. So Redis never has one that MongoDB has not had before.
- Where MongoDB lacks the heartbeat that Redis has, it went back in time. Every count in Redis is
  dropped, and built anew from what is there now; it is no fault of the counts.
"""

from __future__ import annotations

from secrets import token_hex

import structlog
from pymongo import ReturnDocument

from quickpoll.counting.counters import Counters
from quickpoll.counting.keys import every_state, poll_of_state
from quickpoll.foundation.stores.mongo import Database

log = structlog.get_logger(__name__)

COLLECTION = "heartbeat"
KEY = "counts"
EVERY_ROUNDS = 2
"""Of the reconciler's: a beat a second."""

KEYS_AT_ONCE = 500


class RestoreWatch:
    """Beats, and looks whether the last beat is still there."""

    def __init__(self, database: Database, counters: Counters) -> None:
        self._beats = database[COLLECTION]
        self._counters = counters
        self._rounds = 0

    async def look(self) -> None:
        """One round of the instance that has the lease.

        Raises a MongoDB error and :class:`~quickpoll.foundation.stores.redis.RedisAway`.
        """
        self._rounds += 1
        if self._rounds % EVERY_ROUNDS:
            return
        link, key = self._counters.link, self._counters.keys.heartbeat_of_mongo
        told = await link.call("GET", key)
        found = await self._beats.find_one({"_id": KEY})
        if told is not None and not _has(found, told):
            log.warning("mongodb_restored", detail="its data is older than the counts in Redis")
            await self._drop_all_counts()
        beat = await self._beats.find_one_and_update(
            {"_id": KEY},
            {"$inc": {"number": 1}, "$set": {"name": token_hex(8)}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        await link.call("SET", key, f"{beat['number']} {beat['name']}")

    async def _drop_all_counts(self) -> None:
        link, keys = self._counters.link, self._counters.keys
        cursor: int | str = 0
        while True:
            cursor, names = await link.call(
                "SCAN", cursor, "MATCH", every_state(keys), "COUNT", KEYS_AT_ONCE
            )
            if names:
                await link.call("DEL", *names)
                polls = [poll_id for name in names if (poll_id := poll_of_state(name))]
                await self._counters.scripts.look_at(polls, 0.0, "LT")
            if int(cursor) == 0:
                return


def _has(found: dict[str, object] | None, told: str) -> bool:
    """Whether MongoDB has had the heartbeat that Redis was told of."""
    number, _, name = told.partition(" ")
    if found is None or not number.isdigit():
        return not number.isdigit()
    stored = found["number"]
    assert isinstance(stored, int)  # noqa: S101 - written above
    return stored > int(number) or (stored == int(number) and found["name"] == name)
