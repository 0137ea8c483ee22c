"""Claims of keys in MongoDB: the unique index decides who was first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine
from pymongo.errors import DuplicateKeyError

from quickpoll.errors import Unavailable
from quickpoll.idempotency.models import KEPT_SECONDS, Claim

MOST_TRIES = 5


class ClaimStore:
    """Keeps what was sent under which key, and what came of it."""

    def __init__(self, engine: AIOEngine) -> None:
        self._claims = engine.get_collection(Claim)

    async def find(self, user_id: str, operation: str, key: str) -> Claim | None:
        """What was sent under that key, ``None`` where nothing was, or too long ago."""
        found = await self._claims.find_one(_name(user_id, operation, key))
        if found is None:
            return None
        claim: Claim = Claim.model_validate_doc(found)
        return None if _is_over(claim) else claim

    async def claim(self, new: Claim) -> Claim:
        """Keep a request under its key; answers whichever was the first there."""
        name = _name(str(new.user_id), new.operation, new.key)
        for _ in range(MOST_TRIES):
            try:
                await self._claims.insert_one(new.model_dump_doc())
            except DuplicateKeyError:
                # Perhaps the driver's own first try.
                there = await self.find(str(new.user_id), new.operation, new.key)
                if there is not None:
                    return there
                await self._claims.delete_many({**name, "createdAt": {"$lte": _long_ago()}})
            else:
                return new
        raise Unavailable  # it comes and goes

    async def is_done(self, claim: Claim) -> bool:
        """Whether what was asked for under a key has been done by now."""
        return await self._claims.find_one({"_id": claim.id, "done": True}, {"_id": 1}) is not None

    async def finish(self, made_id: ObjectId) -> None:
        """What was to be made is made, perhaps gone already: it is not to be made again."""
        await self._claims.update_many({"madeId": made_id}, {"$set": {"done": True}})


def _name(user_id: str, operation: str, key: str) -> dict[str, Any]:
    return {"userId": ObjectId(user_id), "operation": operation, "key": key}


def _long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=KEPT_SECONDS)


def _is_over(claim: Claim) -> bool:
    """MongoDB removes old claims when it comes to it."""
    return bool(claim.created_at <= _long_ago())
