"""Half of the voters are erased in mid-storm, while things are killed, flushed and cut off.

After that every count is that of the documents, the others' ballots stand, nobody who was erased
votes twice, and no place names them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from bson import ObjectId
from click.testing import CliRunner

from quickpoll.cli.verify import verify
from tests.builders import create_poll, look, vote
from tests.conftest import bearer
from tests.faults.campaign import Row, patience
from tests.faults.drift import Drift
from tests.faults.harm import harms
from tests.faults.judging import Judge, lost_and_doubled
from tests.faults.leavers import Leavers
from tests.faults.remains import remains
from tests.faults.watching import Watcher
from tests.faults.world import World
from tests.integration.log_harness import log_settings, published_seconds
from tests.people.life import act

Poll = dict[str, Any]

settings = {
    **log_settings,
    "LOG_LEVEL": "DEBUG",
    "API_WEBHOOKS": "on",
    "API_WEBHOOK_ALLOW": "127.0.0.0/8",
}

erased_seconds = 30.0
"""After the last harm: far longer than erasures of a few documents take."""

late_seconds = 70.0
"""After the end it is looked for what was sent before and came later, after 4, 15 and 60 s; a wire
may have stalled for a minute."""


class Farewell:
    """One round: people with all that they own, the storm, what came of it."""

    def __init__(
        self, world: World, crowd: Leavers, watchers: list[Watcher], drift: Drift, seed: int
    ) -> None:
        self._world, self._crowd, self._drift = world, crowd, drift
        self._watchers = watchers
        self._chance = random.Random(seed)
        self._others: list[Poll] = []  # that whoever leaves has voted on, and nobody does any more
        self._alone: list[Poll] = []

    async def prepare(self) -> None:
        """Let everybody who will leave own something of each kind."""
        async with httpx.AsyncClient(base_url=self._world.instances[0].url, timeout=10) as client:
            made = [self._own(client, place, u) for place, u in enumerate(self._crowd.leaving)]
            await asyncio.gather(*made)
        found = " ".join(await asyncio.to_thread(remains, self._world, self._crowd.leaving))
        assert all(user in found for user in self._crowd.leaving), "there is nothing to erase"
        for watcher in self._watchers:
            for poll in self._others:
                await watcher.follow(poll["id"])

    async def run(self, names: Sequence[str], scale: float) -> Row:
        """Do these harms under load, with as many erasures begun during each."""
        row, record = Row(" + ".join(names), 1), self._crowd.record
        leaving = list(self._crowd.leaving)
        shares = [leaving[place :: len(names)] for place in range(len(names))]
        for name, share in zip(names, shares, strict=True):
            asked = [asyncio.create_task(self._leave(user)) for user in share]
            await asyncio.sleep(self._chance.uniform(0.2, 0.6))
            await harms[name](self._world, self._chance, scale)
            await self._restart_the_dead()
            await asyncio.gather(*asked)
        since = monotonic()
        row.strange += await self._until_erased(since)
        row.drift += await asyncio.to_thread(self._drift.news)
        await self._crowd.pause()
        since = max(since, monotonic())
        row.seconds, wrong = await self._until_exact(since)
        row.lost, row.doubled = await asyncio.to_thread(self._lost_and_doubled)
        row.strange += wrong + await self._twice() + await self._until_nothing_remains()
        row.strange += (await self._until_exact(monotonic()))[1] + record.strange
        row.strange += await self._verify()
        row.acknowledged = record.acknowledged
        return row

    async def _own(self, client: httpx.AsyncClient, place: int, user: str) -> None:
        other = self._crowd.staying[place % len(self._crowd.staying)]
        options = [{"text": "a"}, {"text": "b"}]
        keyed = {**bearer(user), "Idempotency-Key": "k"}
        asked = (
            ("/api/poll/create-poll", {"question": "alone?", "options": options}, keyed),
            ("/api/session/create-session", {"title": "Evening"}, bearer(user)),
            (
                "/api/webhook/create-webhook",
                {"url": "http://127.0.0.1:9/", "events": ["poll.closed", "poll.updated"]},
                bearer(user),
            ),
        )
        for path, body, headers in asked:
            answer = await client.post(path, json=body, headers=headers)
            assert answer.status_code == 201, answer.text
            if "question" in body:
                self._alone.append(answer.json())
        shared = await create_poll(client, user, question="shared?")
        for voter, option in ((user, 0), (other, 1)):
            assert (await vote(client, shared, option, voter)).status_code == 201
            await act(client, "PUT", "like-poll", shared, voter)
        await act(client, "PATCH", "update-poll", shared, user)
        if place % 2:
            await act(client, "POST", "close-poll", shared, user)
        self._others.append(shared)

    async def _leave(self, user: str) -> None:
        await asyncio.sleep(self._chance.uniform(0.0, 1.5))
        await self._crowd.leave(self._chance, user)

    async def _restart_the_dead(self) -> None:
        for instance in self._world.instances:
            if instance.process.poll() is not None:
                await asyncio.to_thread(instance.start)

    async def _until_erased(self, since: float) -> list[str]:
        running = list(self._crowd.leaving)
        while running and monotonic() - since < erased_seconds:
            running = [u for u in running if await self._crowd.status(self._chance, u) != "done"]
            await asyncio.sleep(0.05)
        return [f"the erasure of {user} is not done" for user in running]

    async def _until_exact(self, since: float) -> tuple[float, list[str]]:
        polls = self._crowd.polls + self._others
        judge = Judge(self._world, polls, self._watchers, self._crowd.record)
        while True:
            wrong = await judge.differences()
            took = monotonic() - since
            if not wrong or took > patience:
                return took, wrong
            await asyncio.sleep(0.05)

    def _lost_and_doubled(self) -> tuple[list[str], list[str]]:
        """Of those who stay everything stands; of those who left nothing on open polls, and on
        closed ones all of it."""
        record, stay = self._crowd.record, set(self._crowd.staying)
        self._left = {pair: one for pair, one in record.ballots.items() if pair[0] not in stay}
        record.ballots = {pair: one for pair, one in record.ballots.items() if pair[0] in stay}
        record.likes = {pair: one for pair, one in record.likes.items() if pair[0] in stay}
        lost, doubled = lost_and_doubled(self._world, record, self._crowd.polls)
        for poll in self._crowd.polls:
            liked = {"pollId": ObjectId(poll["id"]), "liked": True}
            owners = {str(one["userId"]) for one in self._world.mongo["like"].find(liked)}
            doubled += [f"{user} likes {poll['id']}" for user in owners - stay]
        return lost, doubled + self._of_own_polls()

    def _of_own_polls(self) -> list[str]:
        wrong = []
        for poll in self._others:
            stored = self._world.mongo["poll"].find_one({"_id": ObjectId(poll["id"])})
            if stored is None or stored["userId"] != ObjectId("0" * 24):
                wrong.append(f"a poll on which others have voted is {stored}")
                continue
            cast = {"pollId": ObjectId(poll["id"]), "optionIds": {"$ne": []}}
            found = self._world.mongo["vote"].count_documents(cast)
            if found != 1 + (stored["status"] == "closed"):
                wrong.append(f"a poll that is {stored['status']} has {found} ballots")
        ids = [ObjectId(one["id"]) for one in self._alone]
        left = self._world.mongo["poll"].count_documents({"_id": {"$in": ids}})
        return wrong + ([f"{left} polls of their own are left"] if left else [])

    async def _twice(self) -> list[str]:
        """Whoever had a ballot on an open poll is told so by every instance, though it is gone."""
        wrong = []
        for (user, poll_id), ballot in self._left.items():
            if not ballot or (user, poll_id) in self._crowd.unsure:
                continue
            for instance in self._world.living:
                body, path = {"optionIds": sorted(ballot)}, f"ballot/{poll_id}"
                answer = await self._crowd.asker.ask(
                    self._chance, "PUT", path, user, body, instance
                )
                if answer is None or answer[0] != 409 or answer[1]["code"] != "already_voted":
                    wrong.append(f"{user} votes on {poll_id} once more: {answer}")
        return wrong

    async def _verify(self) -> list[str]:
        """Close what can be verified, and have its log checked by whoever wants to."""
        poll = self._crowd.polls[-1]
        url = self._world.instances[0].url
        async with httpx.AsyncClient(base_url=url, timeout=10) as client:
            await act(client, "POST", "close-poll", poll, poll["userId"])
            closed = await look(client, poll, poll["userId"])
        said, since = f"Closed with {closed['votersCount']} ballots", monotonic()
        while True:
            address = [f"{url}/polls/{poll['id']}"]
            done = await asyncio.to_thread(CliRunner().invoke, verify, address)
            if done.exit_code == 0 and said in done.output:
                return []
            if done.exit_code == 1 or monotonic() - since > published_seconds:
                return [f"verify does not say {said!r}, but {done.output}"]
            await asyncio.sleep(0.2)

    async def _until_nothing_remains(self) -> list[str]:
        since = monotonic()
        while True:
            found = await asyncio.to_thread(remains, self._world, self._crowd.leaving)
            if not found or monotonic() - since > late_seconds:
                return found
            await asyncio.sleep(0.5)


@asynccontextmanager
async def farewells(directory: Path) -> AsyncIterator[World]:
    """Stores and instances that log everything."""
    async with World(directory, directory / "log", **settings) as world:
        yield world


async def farewell(
    world: World, seed: int, names: Sequence[str], scale: float = 1.0, voters: int = 24
) -> Row:
    """One round with people of its own."""
    async with AsyncExitStack() as stack:
        polls = await _polls(world)
        crowd = Leavers(lambda: world.living, polls, voters, seed)
        ids = [poll["id"] for poll in polls]
        watchers = [Watcher(instance, ids, crowd.record) for instance in world.instances]
        for watcher in watchers:
            watcher.start()
            stack.push_async_callback(watcher.aclose)
        drift = Drift(world)
        await asyncio.to_thread(drift.news)
        round_ = Farewell(world, crowd, watchers, drift, seed)
        await round_.prepare()
        await crowd.start()
        stack.push_async_callback(crowd.aclose)
        return await round_.run(names, scale)


async def _polls(world: World) -> list[Poll]:
    async with httpx.AsyncClient(base_url=world.instances[0].url, timeout=10) as client:
        owner = f"{random.getrandbits(96):024x}"
        return [
            await create_poll(client, owner, allowVoteChange=True),
            await create_poll(client, owner, allowVoteChange=True, maxChoices=3),
            await create_poll(client, owner),
            await create_poll(client, owner, allowVoteChange=True, verifiable=True),
        ]
