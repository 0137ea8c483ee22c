"""Holding everything that shows a count against MongoDB, and MongoDB against the voters."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp
from bson import ObjectId

from tests.conftest import sign
from tests.faults.crowd import Ballot, Pair, Record
from tests.faults.watching import Watcher
from tests.faults.world import World

Counts = dict[str, int]


def ballots_in(world: World, polls: list[dict[str, Any]]) -> dict[Pair, Ballot]:
    """Every ballot on these polls in MongoDB."""
    found: dict[Pair, Ballot] = {}
    ids = [ObjectId(poll["id"]) for poll in polls]
    for vote in world.mongo["vote"].find({"pollId": {"$in": ids}}):
        pair = str(vote["userId"]), str(vote["pollId"])
        assert pair not in found, f"two ballots of {pair}"
        found[pair] = frozenset(map(str, vote["optionIds"]))
    return found


def lost_and_doubled(
    world: World, record: Record, polls: list[dict[str, Any]]
) -> tuple[list[str], list[str]]:
    """Acknowledged acts that do not stand, and ballots or likes that nobody has."""
    stored = ballots_in(world, polls)
    lost: list[str] = []
    doubled: list[str] = []
    for pair, wanted in record.ballots.items():
        if stored.get(pair, frozenset()) != wanted:
            (lost if wanted else doubled).append(f"{pair}: {wanted} is {stored.get(pair)}")
    doubled += [f"{pair}" for pair, one in stored.items() if one and pair not in record.ballots]
    likes = {
        (str(like["userId"]), str(like["pollId"])): like["liked"]
        for like in world.mongo["like"].find()
    }
    for pair, liked in record.likes.items():
        if likes.get(pair, False) != liked:
            (lost if liked else doubled).append(f"{pair}: liked {liked} is {likes.get(pair)}")
    return lost, doubled


def truth(world: World, poll: dict[str, Any]) -> tuple[Counts, int]:
    """The counts of a poll by its documents in MongoDB, and the voters."""
    counts: Counter[str] = Counter()
    voters = 0
    for vote in world.mongo["vote"].find({"pollId": ObjectId(poll["id"])}):
        voters += bool(vote["optionIds"])
        counts.update(map(str, vote["optionIds"]))
    likes = world.mongo["like"].count_documents({"pollId": ObjectId(poll["id"]), "liked": True})
    options = {option["id"]: counts[option["id"]] for option in poll["options"]}
    return {"likes": likes, **options}, voters


class Judge:
    """Says what differs from MongoDB."""

    def __init__(
        self, world: World, polls: list[dict[str, Any]], watchers: list[Watcher], record: Record
    ) -> None:
        self._world = world
        self._polls = polls
        self._watchers = watchers
        self._record = record
        self._headers = {"Authorization": f"Bearer {sign(seconds=36000)}"}

    async def differences(self) -> list[str]:
        """What differs from MongoDB now."""
        wrong: list[str] = []
        try:
            for poll in self._polls:
                counts, voters = await asyncio.to_thread(truth, self._world, poll)
                wrong += await self._on_instances(poll, counts, voters)
                wrong += await asyncio.to_thread(self._in_redis, poll, counts)
                wrong += self._on_screens(poll, counts)
        except Exception as error:
            wrong.append(repr(error))
        return wrong

    async def _on_instances(self, poll: dict[str, Any], counts: Counts, voters: int) -> list[str]:
        wrong = []
        timeout = aiohttp.ClientTimeout(total=3.0)
        async with aiohttp.ClientSession(timeout=timeout, headers=self._headers) as session:
            for instance in self._world.living:
                path = f"{instance.url}/api/poll/get-poll-by-id/{poll['id']}"
                async with session.get(path) as answer:
                    view = await answer.json()
                if view.get("counts") != counts or view.get("votersCount") != voters:
                    wrong.append(f"{instance.url}: {view} instead of {counts}, {voters}")
                else:
                    self._record.saw(poll["id"], view["version"], counts, "REST")
        return wrong

    def _in_redis(self, poll: dict[str, Any], counts: Counts) -> list[str]:
        names = [f"poll:{poll['id']}:likes"]
        names += [f"poll:{poll['id']}:option:{option['id']}" for option in poll["options"]]
        found = self._world.redis.mget(names)
        wanted = [str(counts["likes"]), *(str(counts[o["id"]]) for o in poll["options"])]
        return [] if found == wanted else [f"Redis: {found} instead of {wanted}"]

    def _on_screens(self, poll: dict[str, Any], counts: Counts) -> list[str]:
        living = self._world.living
        watchers = [one for one in self._watchers if one.instance in living]
        shown = [one.shown.get(poll["id"]) for one in watchers]
        return [f"a screen shows {s}, not {counts}" for s in shown if not s or s[1] != counts]
