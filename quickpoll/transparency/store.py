"""Logs in MongoDB: one document a poll, and the tiles.

Invariants:

- A step begins by a compare-and-set on ``step`` that writes its journal, allowed only where there
  is none. From then on these entries at these places are the log, whoever goes on.
- It ends by a compare-and-set on ``step`` that moves size and checkpoint and empties the journal.
- A tile follows from its place and the entries, so writing it again writes the same; a narrower one
  never takes the place of a wider one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from quickpoll.foundation.stores.bulk_writes import only_duplicates
from quickpoll.foundation.stores.mongo import Document
from quickpoll.transparency.models import LogTile, PollLog
from quickpoll.transparency.state import LogState, Published, Step, Told
from quickpoll.verification import tiles, tree
from quickpoll.verification.growing import GrowingLog


class LogStore:
    """Reads and writes logs."""

    def __init__(self, engine: AIOEngine) -> None:
        self._logs = engine.get_collection(PollLog)
        self._tiles = engine.get_collection(LogTile)

    async def read(self, poll_id: str) -> LogState | None:
        """The log of a poll; ``None`` where it has none yet."""
        found = await self._logs.find_one({"_id": ObjectId(poll_id)})
        return None if found is None else _state(found)

    async def published(self, poll_ids: Iterable[str]) -> dict[str, Published]:
        """What is published of these polls' logs."""
        wanted = {"_id": {"$in": [ObjectId(one) for one in poll_ids]}}
        found = await self._logs.find(wanted, {"published": 1}).to_list(None)
        heads = ((str(one["_id"]), _published(one.get("published"))) for one in found)
        return {poll_id: head for poll_id, head in heads if head is not None}

    async def begin(
        self, poll_id: str, key: str, state: LogState | None, step: Step
    ) -> LogState | None:
        """Write a step down; ``None`` where somebody else was faster."""
        journal = _journal(step)
        _id = ObjectId(poll_id)
        if state is None:
            document = {"_id": _id, "key": key, "size": 0, "step": 1, "journal": journal}
            try:
                await self._logs.insert_one(document)
            except DuplicateKeyError:
                return None
            return LogState(poll_id, key, step=1, journal=step)
        as_it_was = {"_id": _id, "step": state.step, "journal": None}
        change = {"$set": {"journal": journal, "step": state.step + 1}}
        if not (await self._logs.update_one(as_it_was, change)).matched_count:
            return None
        return LogState(
            poll_id,
            state.key,
            state.size,
            state.step + 1,
            state.told,
            state.published,
            step,
        )

    async def end(self, state: LogState, size: int, published: Published | None) -> bool:
        """Move the head over the step in the journal; answers whether nobody else has."""
        assert state.journal is not None  # noqa: S101 - only a step that was begun ends
        told = state.journal.told
        fields: Document = {
            "size": size,
            "step": state.step + 1,
            "journal": None,
            **_told_fields(told),
        }
        if published is not None:
            fields["published"] = {
                "size": published.size,
                "root": published.root,
                "note": published.note,
            }
        as_it_was = {"_id": ObjectId(state.poll_id), "step": state.step}
        return bool((await self._logs.update_one(as_it_was, {"$set": fields})).matched_count)

    async def edge(self, poll_id: str, size: int) -> GrowingLog:
        """The right edge of a log, from its partial tiles."""
        partial = [
            tiles.Place(level, count // tiles.WIDTH, count % tiles.WIDTH)
            for level, count in ((one, size // tiles.WIDTH**one) for one in tiles.levels(size))
        ]
        last = tiles.Place(None, size // tiles.WIDTH, size % tiles.WIDTH)
        wanted = [place.full_path for place in (*partial, last) if place.holds]
        found = await self.contents(poll_id, wanted)
        hashes = [
            _hashes(found[place.full_path], place.holds) if place.holds else [] for place in partial
        ]
        entries = tiles.unbundle(found[last.full_path])[: last.holds] if last.holds else []
        return GrowingLog("", hashes, entries)

    async def contents(self, poll_id: str, paths: Iterable[str]) -> dict[str, bytes]:
        """The tiles with these full paths, each as wide as it is; those that are there."""
        ids = [f"{poll_id}/{path}" for path in paths]
        found = await self._tiles.find({"_id": {"$in": ids}}).to_list(None)
        return {one["_id"].partition("/")[2]: bytes(one["content"]) for one in found}

    async def write_tiles(self, poll_id: str, parts: Mapping[str, bytes]) -> None:
        """Store tiles and bundles by their paths; wider ones that are there stay."""
        if not parts:
            return
        writes = [_tile_write(poll_id, path, content) for path, content in parts.items()]
        try:
            await self._tiles.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            # As wide a one is there already: the filter matches none, and its id is taken.
            if not only_duplicates(error):
                raise

    async def delete_all(self, poll_id: str) -> None:
        """Delete the log of a poll."""
        await self._logs.delete_one({"_id": ObjectId(poll_id)})
        await self._tiles.delete_many({"_id": {"$gt": f"{poll_id}/", "$lt": f"{poll_id}0"}})


def _tile_write(poll_id: str, path: str, content: bytes) -> UpdateOne:
    full_path, _, partial = path.partition(".p/")
    width = int(partial) if partial else tiles.WIDTH
    key = {"_id": f"{poll_id}/{full_path}", "width": {"$lt": width}}
    return UpdateOne(key, {"$set": {"content": content, "width": width}}, upsert=True)


def _hashes(content: bytes, count: int) -> list[bytes]:
    size = tree.HASH_BYTES
    return [content[at : at + size] for at in range(0, count * size, size)]


def _journal(step: Step) -> Document:
    return {
        "lines": step.lines,
        "publish": step.publish,
        "told": _told_fields(step.told),
        "ids": [one for one, _ in step.whole],
        "marks": [mark for _, mark in step.whole],
        "parts": step.parts,
    }


def _told_fields(told: Told) -> Document:
    return {
        "phase": told.phase,
        "held": told.held,
        "voted": told.voted,
        "counted": told.counted,
        "defined": told.defined,
    }


def _told(found: Mapping[str, Any]) -> Told:
    return Told(
        found.get("phase", 0),
        found.get("held", 0),
        found.get("voted", False),
        found.get("counted", 0),
        found.get("defined", ""),
    )


def _published(found: Mapping[str, Any] | None) -> Published | None:
    if not found:
        return None
    return Published(found["size"], bytes(found["root"]), bytes(found["note"]))


def _step(found: Mapping[str, Any] | None) -> Step | None:
    if not found:
        return None
    whole = list(zip(found["ids"], found["marks"], strict=True))
    return Step(found["lines"], _told(found["told"]), found["publish"], whole, found["parts"])


def _state(found: Mapping[str, Any]) -> LogState:
    return LogState(
        str(found["_id"]),
        found["key"],
        found.get("size", 0),
        found["step"],
        _told(found),
        _published(found.get("published")),
        _step(found.get("journal")),
    )
