"""Notes in MongoDB of polls that are written to while Redis cannot be told.

Invariants:

- A note stands before the write that it is about, and until Redis has given up the poll's counts.
  So no crash of an instance forgets a write that was acknowledged.
- One note an instance and poll, however long Redis is away; its ``writes`` counts the batches.
  It ripens from the moment at which it was first seen, not from the last batch: votes that keep
  coming do not put it off.
- Every instance looks at all notes several times a second. For a noted poll it goes by MongoDB
  alone; if it could not look for :data:`NOTES_STALE_SECONDS`, it takes no word of Redis for what a
  poll is, and asks for a poll's notes before it reads its counts. So what is acknowledged under a
  note that is older than that is known everywhere.
- A note names the users whose documents may still be written, so that those writes can be fenced.
- A note goes when Redis was told, nobody has written since it was read, and each batch that it
  names is old enough to have ended. Until then a close finds it, and nobody goes by Redis.
- A deletion of a note names its last write: one that comes late takes no later note away.

Each instance goes by its own monotonic clock; no wall clock is compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from bson import ObjectId
from pymongo import DeleteOne, UpdateOne

from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.concurrency.time_limits import (
    MARK_SECONDS,
    NOTES_SECONDS,
    NOTES_STALE_SECONDS,
)
from quickpoll.foundation.stores.mongo import Database

COLLECTION = "uncounted"
MOST_NOTES = 20_000
"""Read in one look. More polls than this, written to in one outage, are settled in turns."""

_FIELDS = {MarkKind.VOTES: "voters", MarkKind.LIKES: "likers", MarkKind.CHANGE: "changes"}


@dataclass(frozen=True, slots=True)
class Note:
    """One instance has written to one poll without telling Redis.

    ``last`` names the latest write to the note; ``batches`` says of each that it names when that
    was seen first, by its token.
    """

    id: Any
    poll_id: str
    instance: str
    writes: int | None
    seen_at: float
    last: str | None = None
    batches: Mapping[str, float] = field(default_factory=dict)
    voters: tuple[str, ...] = ()
    likers: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    def marks(self) -> list[Mark]:
        """What may still be on its way to MongoDB."""
        found = [Mark(MarkKind.VOTES, self.voters)] if self.voters else []
        found += [Mark(MarkKind.LIKES, self.likers)] if self.likers else []
        return found + ([Mark(MarkKind.CHANGE)] if self.changes else [])


class Uncounted:
    """Makes notes, and knows those of all instances."""

    def __init__(
        self, instance: str, database: Database, clock: Callable[[], float] = monotonic
    ) -> None:
        self._instance = instance
        self._notes = database[COLLECTION]
        self._clock = clock
        self._since: dict[str, float] = {}  # {poll id: when this instance noted it first}
        self._known: dict[Any, Note] = {}  # {note id: note}
        self._noted: set[str] = set()  # {poll id}
        self._looked_at = float("-inf")
        self._more = False  # than one look reads
        self._loop = Periodic("notes", NOTES_SECONDS, self.look)

    def start(self) -> None:
        """Start to look."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop looking."""
        await self._loop.aclose()

    @property
    def stale(self) -> bool:
        """Whether notes may have been made since the last look that must be known by now."""
        return self._clock() - self._looked_at > NOTES_STALE_SECONDS

    def is_noted(self, poll_id: str) -> bool:
        """Whether some instance writes to the poll, or has, without telling Redis: as far as is
        known, so it is said of all where there are more notes than one look reads."""
        return self._more or poll_id in self._noted

    async def note(self, token: str, marks: Mapping[str, Mark]) -> None:
        """Note that these polls are written to under a mark. Raises a MongoDB error."""
        if not marks:
            return
        result = await self._notes.bulk_write(
            [self._noting(token, poll_id, mark) for poll_id, mark in marks.items()], ordered=False
        )
        now, new = self._clock(), set((result.upserted_ids or {}).values())
        seen = {note.poll_id for note in self.own()}
        for poll_id in marks:
            # Counted from after the write: any look that begins later sees it. That it is new is
            # not said where the driver has repeated it; so it is, unless the last look saw it.
            if self._id(poll_id) in new or poll_id not in self._since or poll_id not in seen:
                self._since[poll_id] = now
        self._noted |= marks.keys()

    async def known(self, poll_ids: Iterable[str]) -> None:
        """Wait until every instance must know the notes of this one on these polls."""
        since = [self._since[i] for i in poll_ids if i in self._since]
        left = max(since, default=float("-inf")) + NOTES_STALE_SECONDS - self._clock()
        if left > 0:
            await asyncio.sleep(left)

    async def ended(self, token: str, marks: Mapping[str, Mark], unsure: Iterable[str]) -> None:
        """The writes under these marks have ended, those to ``unsure`` polls excepted.

        Raises a MongoDB error.
        """
        doubtful = set(unsure)
        updates = [
            UpdateOne({"_id": self._id(i)}, _without(token, mark))
            for i, mark in marks.items()
            if i not in doubtful
        ]
        if updates:
            await self._notes.bulk_write(updates, ordered=False)

    async def look(self) -> None:
        """Read all notes. Raises a MongoDB error."""
        began = self._clock()
        found = await self._notes.find({}).limit(MOST_NOTES).to_list(MOST_NOTES)
        # Seen first when it was heard: what is stored may be newer than the question.
        now = self._clock()
        notes = [self._read(document, now) for document in found]
        self._known = {note.id: note for note in notes}
        self._noted = {note.poll_id for note in notes}
        self._more = len(found) >= MOST_NOTES
        self._looked_at = began
        self._forget_since(began)

    def _forget_since(self, began: float) -> None:
        """Notes of this instance that were not there any more: the next one is a new one."""
        there = {note.poll_id for note in self.own()}
        gone = [i for i, at in self._since.items() if at < began and i not in there]
        for poll_id in gone if not self._more else ():
            del self._since[poll_id]

    async def on_poll(self, poll_id: str) -> list[Note]:
        """The notes of one poll, as they are now. Raises a MongoDB error."""
        found = await self._notes.find({"pollId": ObjectId(poll_id)}).to_list(None)
        return [self._read(document, self._clock()) for document in found]

    async def noted_now(self, poll_ids: Iterable[str]) -> set[str]:
        """Those of the polls that have a note, whatever was last seen of that. Raises a MongoDB
        error."""
        wanted = [ObjectId(one) for one in poll_ids]
        if not wanted:
            return set()
        found = await self._notes.find({"pollId": {"$in": wanted}}, {"pollId": 1}).to_list(None)
        return {str(one["pollId"]) for one in found}

    def ripe(self) -> list[Note]:
        """Notes whose first writes have ended, one way or the other."""
        before = self._clock() - MARK_SECONDS
        return [note for note in self._known.values() if note.seen_at <= before]

    def own(self) -> list[Note]:
        """The notes of this instance."""
        return [note for note in self._known.values() if note.instance == self._instance]

    def all(self) -> list[Note]:
        """The notes of every instance."""
        return list(self._known.values())

    async def settle(self, notes: Iterable[Note]) -> None:
        """Forget notes that were not written to since they were read, and name no batch that may
        still write.

        The others stay, and ripen anew. Raises a MongoDB error.
        """
        now, told = self._clock(), list(notes)
        over = [one for one in told if all(at <= now - MARK_SECONDS for at in one.batches.values())]
        if over:
            await self._notes.bulk_write(
                [
                    DeleteOne({"_id": note.id, "writes": note.writes, "last": note.last})
                    for note in over
                ],
                ordered=False,
            )
        for note in told:
            self._known[note.id] = replace(note, seen_at=now)
        await self.look()

    def _noting(self, token: str, poll_id: str, mark: Mark) -> UpdateOne:
        new = {"pollId": ObjectId(poll_id), "instance": self._instance}
        return UpdateOne(
            {"_id": self._id(poll_id)},
            {
                "$inc": {"writes": 1},
                "$set": {"last": token},
                "$push": {_FIELDS[mark.kind]: {"$each": _entries(token, mark)}},
                "$setOnInsert": new,
            },
            upsert=True,
        )

    def _id(self, poll_id: str) -> str:
        return f"{self._instance}:{poll_id}"

    def _read(self, document: dict[str, Any], now: float) -> Note:
        before = self._known.get(document["_id"])
        users = {
            name: tuple(str(one["user"]) for one in document.get(name, ()))
            for name in ("voters", "likers")
        }
        batches = {one["token"] for name in _FIELDS.values() for one in document.get(name, ())}
        known = before.batches if before is not None else {}
        return Note(
            id=document["_id"],
            # Up to 0.1 a note was one of a poll, and named nothing but it.
            poll_id=str(document.get("pollId", document["_id"])),
            instance=document.get("instance", ""),
            writes=document.get("writes"),
            seen_at=before.seen_at if before is not None else now,
            last=document.get("last"),
            batches={token: known.get(token, now) for token in batches},
            changes=tuple(one["token"] for one in document.get("changes", ())),
            **users,
        )


def _entries(token: str, mark: Mark) -> list[dict[str, Any]]:
    if mark.kind is MarkKind.CHANGE:
        return [{"token": token}]
    return [{"token": token, "user": ObjectId(user)} for user in mark.user_ids]


def _without(token: str, mark: Mark) -> dict[str, Any]:
    return {"$pull": {_FIELDS[mark.kind]: {"token": token}}}
