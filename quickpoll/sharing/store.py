"""Codes in MongoDB: unique indexes decide whose a code is, and which is that of a page."""

from __future__ import annotations

from datetime import UTC, datetime

from bson import ObjectId
from odmantic import AIOEngine
from pymongo.errors import DuplicateKeyError

from quickpoll.sharing.models import ShareCode


class CodeStore:
    """Keeps codes, and what they lead to."""

    def __init__(self, engine: AIOEngine) -> None:
        self._codes = engine.get_collection(ShareCode)

    async def living_of(self, target: str) -> ShareCode | None:
        """The living code of a page."""
        found = await self._codes.find_one({"target": ObjectId(target), "living": True})
        return None if found is None else ShareCode.model_validate_doc(found)

    async def find(self, code: str) -> ShareCode | None:
        """The code as it is kept, where it lives."""
        found = await self._codes.find_one({"code": code, "living": True})
        return None if found is None else ShareCode.model_validate_doc(found)

    async def insert(self, new: ShareCode) -> bool:
        """Keep a new code; answers whether nobody has it, and the page had none."""
        try:
            await self._codes.insert_one(new.model_dump_doc())
        except DuplicateKeyError:
            return False
        return True

    async def end(self, code: ShareCode) -> None:
        """It leads nowhere from now on."""
        ended = {"living": False, "endedAt": datetime.now(UTC)}
        await self._codes.update_one({"_id": code.id, "living": True}, {"$set": ended})

    async def living_after(self, last: ObjectId | None, most: int) -> list[ShareCode]:
        """So many living codes, in the order of their ids, behind the ``last`` one."""
        later = {} if last is None else {"_id": {"$gt": last}}
        rows = self._codes.find({"living": True, **later}).sort("_id", 1).limit(most)
        return [ShareCode.model_validate_doc(row) for row in await rows.to_list(most)]
