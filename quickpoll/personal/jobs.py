"""Erasures in MongoDB: stored before they are acknowledged, one a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bson import ObjectId
from odmantic import AIOEngine
from pymongo.errors import DuplicateKeyError

from quickpoll.foundation.stores.mongo import Document
from quickpoll.personal.key import People
from quickpoll.personal.models import DONE, RUNNING, Erasure

MOST_AT_ONCE = 50

SWEEPS_SECONDS = (4.0, 15.0, 60.0, 600.0, 3600.0)
"""After the end of an erasure: when it is looked for what was sent before it and came later."""


class ErasureStore:
    """Keeps erasures. All of it raises MongoDB errors."""

    def __init__(self, engine: AIOEngine, people: People) -> None:
        self._erasures = engine.get_collection(Erasure)
        self._people = people

    async def request(self, user_id: str) -> Erasure:
        """The erasure of that person, begun now unless it was before."""
        there = await self.of(user_id)
        if there is not None:
            return there
        new = Erasure(
            id=ObjectId(),
            person=await self._hash(user_id),
            user_id=ObjectId(user_id),
            requested_at=datetime.now(UTC),
        )
        try:
            await self._erasures.insert_one(new.model_dump_doc())
        except DuplicateKeyError:  # another request, or the driver's own first try
            return await self.request(user_id)
        return new

    async def of(self, user_id: str) -> Erasure | None:
        """The erasure of that person, where there was one."""
        return await self._find({"person": await self._hash(user_id)})

    async def get(self, job_id: str) -> Erasure | None:
        """An erasure by its id."""
        return await self._find({"_id": ObjectId(job_id)})

    async def is_of(self, erasure: Erasure, user_id: str) -> bool:
        """Whether an erasure is that of this person."""
        return erasure.person == await self._hash(user_id)

    async def again(self, done: Erasure, user_id: str) -> None:
        """Begin an erasure once more: the person has left something since."""
        fields = {"status": RUNNING, "userId": ObjectId(user_id), "requestedAt": datetime.now(UTC)}
        await self._erasures.update_one(
            {"_id": done.id, "status": DONE},
            {"$set": {**fields, "sealed": None, "sweepAt": None}, "$inc": {"runs": 1}},
        )

    async def running(self) -> list[Erasure]:
        """Some of the erasures that are under way, the oldest first."""
        return await self._some({"status": RUNNING}, "requestedAt")

    async def to_sweep(self) -> list[Erasure]:
        """Some of those that are done and to be looked after now."""
        past = {"$gt": datetime.fromtimestamp(0, UTC), "$lte": datetime.now(UTC)}
        return await self._some({"sweepAt": past}, "sweepAt")

    async def finish(self, erasure: Erasure) -> None:
        """Nothing is left; the person's id goes, sealed for as long as something may come late."""
        now = datetime.now(UTC)
        fields: Document = {
            "status": DONE,
            "userId": None,
            "doneAt": now,
            "sealed": self._people.seal(str(erasure.user_id), str(erasure.id)),
            "sweeps": 0,
            "sweepAt": now + timedelta(seconds=SWEEPS_SECONDS[0]),
        }
        this_run = {"_id": erasure.id, "status": RUNNING, "runs": erasure.runs}
        await self._erasures.update_one(this_run, {"$set": fields})

    async def swept(self, erasure: Erasure) -> None:
        """It was looked after; once more later, or for the last time."""
        sweeps = erasure.sweeps + 1
        fields: Document = {"sweeps": sweeps, "sealed": None, "sweepAt": None}
        if sweeps < len(SWEEPS_SECONDS):
            later = datetime.now(UTC) + timedelta(seconds=SWEEPS_SECONDS[sweeps])
            fields = {"sweeps": sweeps, "sweepAt": later}
        this = {"_id": erasure.id, "status": DONE, "sweeps": erasure.sweeps, "runs": erasure.runs}
        await self._erasures.update_one(this, {"$set": fields})

    async def person_of(self, erasure: Erasure) -> str | None:
        """Whose it is, as long as that is known."""
        if erasure.user_id is not None:
            return str(erasure.user_id)
        await self._people.ready()
        return self._people.opened(erasure.sealed, str(erasure.id)) if erasure.sealed else None

    async def _hash(self, user_id: str) -> bytes:
        await self._people.ready()
        return self._people.hash_of("person", user_id)

    async def _find(self, query: Document) -> Erasure | None:
        found = await self._erasures.find_one(query)
        return None if found is None else Erasure.model_validate_doc(found)

    async def _some(self, query: Document, by: str) -> list[Erasure]:
        found = self._erasures.find(query).sort(by, 1).limit(MOST_AT_ONCE)
        return [Erasure.model_validate_doc(one) for one in await found.to_list(MOST_AT_ONCE)]
