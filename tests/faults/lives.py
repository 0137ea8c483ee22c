"""Holding the polls of owners against MongoDB: on instances, on screens, and by probes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

from bson import ObjectId

from tests.faults.asking import Answer
from tests.faults.owners import Owned, Owners
from tests.faults.watching import Watcher
from tests.faults.world import World
from tests.instances import Instance


class LivesJudge:
    """Says what of the owners' polls is not everywhere as MongoDB has it."""

    def __init__(
        self, world: World, owners: Owners, watchers: list[Watcher], chance: random.Random
    ) -> None:
        self._world = world
        self._owners = owners
        self._watchers = watchers
        self._chance = chance

    async def differences(self) -> list[str]:
        """What differs now."""
        wrong: list[str] = []
        for owned in self._owners.polls:
            stored = await asyncio.to_thread(_stored, self._world, owned)
            wrong += [f"{owned.id}: {what}" for what in await self._of(owned, *stored)]
        return wrong

    async def _of(
        self, owned: Owned, document: dict[str, Any] | None, votes: dict[str, str]
    ) -> list[str]:
        wrong: list[str] = []
        stranger = f"{self._chance.getrandbits(96):024x}"
        seen = await self._owners.read_everywhere(self._chance, owned, stranger)
        owners_own = await self._owners.read_everywhere(self._chance, owned, owned.owner)
        if len(seen) + len(owners_own) < 2 * len(self._world.living):
            return ["an instance does not answer"]
        if document is None:
            wrong += [f"deleted, and answered {one}" for one in seen if one[0] != 404]
            wrong += [f"deleted, and {len(votes)} votes are left"] if votes else []
        else:
            wrong += _of_document(owned, document, votes, seen, owners_own)
        if document is None or document["status"] == "closed":
            for instance in self._world.living:
                wrong += await self._probe(owned, instance, document is None)
        return wrong + [line for one in self._watchers for line in _on_screen(owned, one, seen)]

    async def _probe(self, owned: Owned, instance: Instance, deleted: bool) -> list[str]:
        user, option = f"{self._chance.getrandbits(96):024x}", owned.poll["options"][0]["id"]
        answered = await self._owners.vote(self._chance, owned, user, option, at=instance)
        if not answered:
            return ["a vote is not answered"]
        if owned.ballots.pop(user, None):
            return [f"{'deleted' if deleted else 'closed'}, and {instance.url} takes a vote"]
        return []


def _stored(world: World, owned: Owned) -> tuple[dict[str, Any] | None, dict[str, str]]:
    poll_id = ObjectId(owned.id)
    votes = world.mongo["vote"].find({"pollId": poll_id})
    chosen = {str(v["userId"]): str(v["optionIds"][0]) for v in votes if v["optionIds"]}
    return world.mongo["poll"].find_one({"_id": poll_id}), chosen


def _of_document(
    owned: Owned,
    document: dict[str, Any],
    votes: dict[str, str],
    seen: list[Answer],
    owners_own: list[Answer],
) -> list[str]:
    wrong = []
    counted = Counter(votes.values())
    counts = {"likes": 0, **{o["id"]: counted[o["id"]] for o in owned.poll["options"]}}
    results, closed = document["results"], document["status"] == "closed"
    hidden = not (results == "always" or (results == "after_close" and closed))
    for status, view in [*seen, *owners_own]:
        if status != 200 or view["status"] != document["status"]:
            wrong.append(f"{document['status']}, and answered {status}, {view.get('status')}")
    for status, view in seen:
        if status == 200 and bool(view.get("resultsHidden")) != hidden:
            wrong.append(f"results {results}, and a stranger reads {view['counts']}")
    for status, view in owners_own:
        if status == 200 and (view["counts"], view["votersCount"]) != (counts, len(votes)):
            wrong.append(f"{view['counts']} instead of {counts}, {len(votes)}")
        if status == 200 and owned.final and view["counts"] != owned.final["counts"]:
            wrong.append(f"closed with {owned.final['counts']}, now {view['counts']}")
    lost = [user for user, option in owned.ballots.items() if votes.get(user) != option]
    return wrong + ([f"{len(lost)} acknowledged ballots do not stand"] if lost else [])


def _on_screen(owned: Owned, watcher: Watcher, seen: list[Answer]) -> list[str]:
    """A screen shows what a stranger reads; what it may not read any more it has forgotten."""
    if watcher.instance.process.poll() is not None or not seen:
        return []
    status, view = seen[0]
    wanted = "deleted" if status == 404 else view.get("status")
    wrong = []
    if (shown := watcher.status(owned.id)) != wanted:
        wrong.append(f"{wanted}, and a screen shows it {shown}")
    if status == 200 and "votersCount" in view:
        counts = watcher.shown.get(owned.id, (0, {}))[1]
        if counts != view["counts"]:
            wrong.append(f"a screen shows {counts}, REST {view['counts']}")
    return wrong
