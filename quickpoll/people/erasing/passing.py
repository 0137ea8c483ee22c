"""What names a person and goes by itself within seconds: an erasure waits for it.

Notes in MongoDB of writes without Redis, and marks in Redis of batches that may still write. While
Redis is away nobody can say what its keys hold, so an erasure is not done before it is back.
"""

from __future__ import annotations

from bson import ObjectId

from quickpoll.counting import lua_repair
from quickpoll.counting.keys import Keys, every_mark
from quickpoll.foundation.stores.holdings import Fate, Holding
from quickpoll.foundation.stores.mongo import Database
from quickpoll.foundation.stores.redis import RedisLink

KEYS_AT_ONCE = 500


class Passing:
    """Looks whether anything is left."""

    def __init__(
        self, database: Database, holdings: tuple[Holding, ...], link: RedisLink, keys: Keys
    ) -> None:
        self._collections = [
            (database[one.collection], one) for one in holdings if one.fate is Fate.PASSING
        ]
        self._link = link
        self._keys = keys

    async def holds(self, user_id: str) -> bool:
        """Whether anything still names the person.

        Raises a MongoDB error and :class:`~quickpoll.foundation.stores.redis.RedisAway`.
        """
        user = ObjectId(user_id)
        for documents, holding in self._collections:
            if await documents.find_one(holding.of(user), {"_id": 1}) is not None:
                return True
        return await self._is_marked(user_id)

    async def _is_marked(self, user_id: str) -> bool:
        cursor: int | str = 0
        while True:
            cursor, names = await self._link.call(
                "SCAN", cursor, "MATCH", every_mark(self._keys), "COUNT", KEYS_AT_ONCE
            )
            if names and await self._link.run(lua_repair.NAMES_USER, names, user_id):
                return True
            if int(cursor) == 0:
                return False
