"""Ballots whose entries wait to be logged, in MongoDB; see :mod:`quickpoll.votes.logged`.

Invariants:

- A mark comes off a ballot together with the entries that wait there, by one write that names both
  the ballot and the mark under which it was read. Whoever wrote to the ballot meanwhile has put
  another mark there, and its entry stays.
- A write that was cut off, or made twice, changes nothing: of a step some marks are off and some
  are not, and whoever finishes the step takes off the rest.
- No command asks for more than the store does within its time limit: parts of :data:`AT_ONCE`
  ballots, as many in one command as its pace allows (:mod:`.pace`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, NamedTuple

from bson import ObjectId
from odmantic import AIOEngine
from pymongo import UpdateMany

from quickpoll.foundation.stores.mongo import Document
from quickpoll.transparency.pace import Pace
from quickpoll.transparency.state import Step
from quickpoll.votes.logged import MAY_BE_PUBLISHED, SEALED, mark, marks_of, parts_of
from quickpoll.votes.models import Vote
from quickpoll.votes.store import LEAST_ID

AT_ONCE = 100
"""Ballots that one query names. The embedded store holds each document to each id in a list, so a
long list takes the square of its time; what outlasts its time limit would be begun for ever."""

MOST_PARTS = 20
"""Parts of so many ballots in one write that takes marks off, where the store is quick."""

_FIELDS = {"_id": 1, "unlogged": 1, "log.waiting": 1}
_MORE_FIELDS = {**_FIELDS, "pollId": 1, "log.entry": 1}


class WaitingBallot(NamedTuple):
    """A ballot, the mark under which it was read, and the entries that wait, each with whether it
    is sealed."""

    key: ObjectId
    mark: str
    waiting: tuple[tuple[str, bool], ...]

    def lines(self, *, sealed_too: bool) -> list[str]:
        """The entries that may go into the log now."""
        return [entry for entry, sealed in self.waiting if sealed_too or not sealed]


@dataclass(frozen=True, slots=True)
class OpenedBallot:
    """A ballot that counts, with what opens its entry; no salt: its person was erased."""

    tag: str
    salt: str | None
    option_ids: tuple[str, ...]


class WaitingBallots:
    """Finds ballots with entries that wait, and takes the marks off."""

    def __init__(self, engine: AIOEngine, pace: Pace | None = None) -> None:
        self._votes = engine.get_collection(Vote)
        self._pace = pace or Pace(MOST_PARTS)

    async def next_poll(self, after: str) -> str | None:
        """The next poll, in the order of ids, of which something may be published now."""
        last = f"{MAY_BE_PUBLISHED}{after}~" if after else MAY_BE_PUBLISHED
        beyond = {"$gt": last, "$lt": f"{MAY_BE_PUBLISHED}~"}
        found = await self._votes.find_one(
            {"unlogged": beyond}, {"unlogged": 1}, sort=[("unlogged", 1)]
        )
        return None if found is None else found["unlogged"][1:25]

    async def to_be_published(self, poll_id: str, most: int) -> list[WaitingBallot]:
        """Ballots of a poll of which something may be published now."""
        query = {"unlogged": marks_of(poll_id, MAY_BE_PUBLISHED)}
        found = await self._votes.find(query, _FIELDS).limit(most).to_list(most)
        return [_waiting(one) for one in found]

    async def ids_of_all(self, poll_id: str, *, many_sealed: bool) -> list[ObjectId]:
        """All ballots of a poll of which anything waits; ``many_sealed``: whatever was cast may.

        Those are read in parts, by how their marks go on: the embedded store finds all that a query
        means before it answers the first, and of a large poll that outlasts the time limit.
        """
        queries = [marks_of(poll_id, MAY_BE_PUBLISHED)]
        queries += parts_of(poll_id, SEALED) if many_sealed else [marks_of(poll_id, SEALED)]
        found: list[ObjectId] = []
        for query in queries:
            read = self._votes.find({"unlogged": query}, {"_id": 1})
            found += [one["_id"] for one in await read.to_list(None)]
        return found

    async def read(self, ids: Sequence[ObjectId], most_lines: int) -> list[WaitingBallot]:
        """These ballots, as far as anything of them waits; no more of them than hold so many
        entries."""
        found: list[WaitingBallot] = []
        lines = 0
        for start in range(0, len(ids), AT_ONCE):
            wanted = list(ids[start : start + AT_ONCE])
            query = {"_id": {"$in": wanted}, "unlogged": {"$gt": ""}}
            read = [_waiting(one) for one in await self._votes.find(query, _FIELDS).to_list(None)]
            found += read
            lines += sum(len(one.waiting) for one in read)
            if lines >= most_lines:
                break
        return found

    async def take_off(self, step: Step, first: int) -> None:
        """Take the marks off the ballots of a step whose first entry has this place.

        Doing so twice changes nothing: a mark is never used twice for one ballot, and an entry
        waits once.
        """
        ids = [key for key, _ in step.whole]
        matched = await self._take_all_off(step.whole, first)
        if step.parts or matched < len(ids):
            taken = frozenset(step.lines)
            for one in await self._those_left([*ids, *step.parts]):
                await self._take_some_off(one, taken, first)

    async def _take_all_off(self, whole: Sequence[tuple[ObjectId, str]], first: int) -> int:
        """Of ballots that are as they were read; answers how many are."""
        matched = at = 0
        while at < len(whole):
            some = whole[at : at + self._pace.parts * AT_ONCE]
            parts = [some[start : start + AT_ONCE] for start in range(0, len(some), AT_ONCE)]
            with self._pace.measured():
                done = await self._votes.bulk_write([_off(one, first) for one in parts])
            matched += done.matched_count
            at += len(some)
        return matched

    async def _those_left(self, ids: Sequence[ObjectId]) -> list[Document]:
        """Those of which anything waits still."""
        found: list[Document] = []
        for start in range(0, len(ids), AT_ONCE):
            some = {"_id": {"$in": list(ids[start : start + AT_ONCE])}}
            marked = self._votes.find({**some, "unlogged": {"$gt": ""}}, _MORE_FIELDS)
            found += await marked.to_list(None)
        return found

    async def _take_some_off(self, found: Document, taken: frozenset[str], first: int) -> None:
        """Of a ballot that was written to meanwhile, or has entries that may not be shown yet."""
        while True:
            change = _rest(found, taken, first)
            as_read = {"_id": found["_id"], "unlogged": found["unlogged"]}
            if change is None or (await self._votes.update_one(as_read, change)).matched_count:
                return
            again = await self._votes.find_one(
                {"_id": found["_id"], "unlogged": {"$gt": ""}}, _MORE_FIELDS
            )
            if again is None:
                return
            found = again

    async def opened(self, poll_id: str) -> list[OpenedBallot]:
        """The ballots of a poll that count."""
        query = {"pollId": ObjectId(poll_id), "optionIds": {"$gte": LEAST_ID}}
        fields = {"optionIds": 1, "log.entry": 1, "log.salt": 1}
        return [_opened(one) async for one in self._votes.find(query, fields) if "log" in one]


def _waiting(found: Mapping[str, Any]) -> WaitingBallot:
    waiting = found.get("log", {}).get("waiting", ())
    entries = tuple([(one["entry"], one["sealed"]) for one in waiting])
    return WaitingBallot(found["_id"], found["unlogged"], entries)


def _off(whole: Sequence[tuple[ObjectId, str]], first: int) -> UpdateMany:
    """Takes the marks off those that are as they were read. Ballots that were cast together have
    one mark."""
    marks = list({one for _, one in whole})
    as_read = {"_id": {"$in": [key for key, _ in whole]}, "unlogged": {"$in": marks}}
    return UpdateMany(
        as_read, {"$unset": {"unlogged": "", "log.waiting": ""}, "$set": {"log.first": first}}
    )


def _rest(found: Document, taken: frozenset[str], first: int) -> Document | None:
    """What changes of a ballot whose entries that are ``taken`` are in the log; ``None`` where
    there are none."""
    waiting = found["log"].get("waiting", [])
    rest = [one for one in waiting if one["entry"] not in taken]
    if len(rest) == len(waiting):
        return None
    fields: Document = {"log.first": first} if found["log"]["entry"] in taken else {}
    if not rest:
        return {
            "$unset": {"unlogged": "", "log.waiting": ""},
            **({"$set": fields} if fields else {}),
        }
    sealed = all(one["sealed"] for one in rest)
    fields["log.waiting"] = rest
    fields["unlogged"] = mark(str(found["pollId"]), token_hex(8), sealed=sealed)
    return {"$set": fields}


def _opened(found: Mapping[str, Any]) -> OpenedBallot:
    entry, salt = found["log"]["entry"], found["log"].get("salt")
    return OpenedBallot(entry.split(" ")[1], salt, tuple(map(str, found["optionIds"])))
