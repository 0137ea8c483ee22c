"""A campaign: harm upon harm under a steady load, and after each one everything must agree."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any

import httpx

from tests.builders import create_poll
from tests.faults.crowd import Crowd
from tests.faults.drift import Drift
from tests.faults.harm import harms
from tests.faults.judging import Judge, lost_and_doubled
from tests.faults.lives import LivesJudge
from tests.faults.owners import Owners
from tests.faults.rush import Rush
from tests.faults.watching import Watcher
from tests.faults.world import World

patience = 12.0
"""Seconds after which a campaign stops waiting for agreement (five are promised)."""

hang_ups, quiet_among_busy, no_harm = "hang-ups", "quiet among busy", "owners alone"
kinds = (*harms, hang_ups, quiet_among_busy, no_harm)


@dataclass
class Row:
    """What came of one kind of harm."""

    name: str
    times: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def wrong(self) -> list[str]:
        """All of it, a line each."""
        return [*self.lost, *self.doubled, *self.strange, *self.drift]

    @property
    def good(self) -> bool:
        """Nothing lost, doubled, strange or adrift; exact within five seconds."""
        return not self.wrong and self.seconds <= 5.0


class Campaign:
    """One world, its voters and owners, one harm after the other."""

    def __init__(
        self, world: World, crowd: Crowd, owners: Owners, watchers: list[Watcher], seed: int
    ) -> None:
        self.rows: dict[str, Row] = {}
        self._world, self._crowd, self._owners = world, crowd, owners
        self._judge = Judge(world, crowd.polls, watchers, crowd.record)
        self._lives = LivesJudge(world, owners, watchers, random.Random(seed))
        self._rush = Rush(world, owners, watchers)
        self._drift = Drift(world)
        self._seed = seed

    async def harm(self, name: str, scale: float = 1.0) -> Row:
        """Do one harm under load, wait for agreement, and note what came of it.

        What is done in which round of which kind follows from the seed, whatever came before.
        """
        row = self.rows.setdefault(name, Row(name))
        chance = random.Random(f"{self._seed}/{name}/{row.times}")
        record = self._crowd.record
        before, strange = record.acknowledged, len(record.strange)
        await asyncio.sleep(chance.uniform(0.5, 1.0))
        late = await self._do(name, chance, scale)
        since = monotonic()
        await asyncio.sleep(chance.uniform(0.0, 0.5))
        await asyncio.gather(self._crowd.pause(), self._owners.pause())
        # What was acknowledged after the stores were back has five seconds of its own.
        since = max(since, self._crowd.asker.acknowledged_at, self._owners.asker.acknowledged_at)
        took, wrong = await self._until_exact(since)
        await self._restart_the_dead()
        if not wrong:
            _, wrong = await self._until_exact(monotonic())
        lost, doubled = await asyncio.to_thread(
            lost_and_doubled, self._world, record, self._crowd.polls
        )
        row.times += 1
        row.acknowledged += record.acknowledged - before
        row.lost += lost
        row.doubled += doubled
        row.strange += late + record.strange[strange:] + wrong
        row.drift += await asyncio.to_thread(self._drift.news)
        row.seconds = max(row.seconds, took)
        record.states.clear()
        await self._owners.resume()
        self._crowd.resume()
        return row

    async def _do(self, name: str, chance: random.Random, scale: float) -> list[str]:
        if name == quiet_among_busy:
            return await self._rush.run(chance, scale)
        if name == hang_ups:
            self._owners.hang_ups = 0.8
            await asyncio.sleep(chance.uniform(6.0, 10.0) * scale)
            self._owners.hang_ups = 0.0
        elif name == no_harm:
            await asyncio.sleep(chance.uniform(4.0, 8.0) * scale)
        else:
            await harms[name](self._world, chance, scale)
        return []

    async def _until_exact(self, since: float) -> tuple[float, list[str]]:
        """Wait until everything agrees; the seconds since then, and what still differs."""
        while True:
            wrong = await self._judge.differences() + await self._lives.differences()
            took = monotonic() - since
            if not wrong or took > patience:
                return took, wrong
            await asyncio.sleep(0.05)

    async def _restart_the_dead(self) -> None:
        for instance in self._world.instances:
            if instance.process.poll() is not None:
                await asyncio.to_thread(instance.start)


@asynccontextmanager
async def campaign(
    directory: Path, seed: int, voters: int = 24, owners: int = 2
) -> AsyncIterator[Campaign]:
    """Stores, instances, polls, voters, owners and watchers, at work."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(directory))
        polls = await _polls(world)
        crowd = Crowd(lambda: world.living, polls, voters, seed)
        ids = [poll["id"] for poll in polls]
        watchers = [Watcher(instance, ids, crowd.record) for instance in world.instances]
        lives = Owners(lambda: world.living, watchers, crowd.record, seed, owners)
        for watcher in watchers:
            watcher.start()
            stack.push_async_callback(watcher.aclose)
        for actors in (crowd, lives):
            await actors.start()
            stack.push_async_callback(actors.aclose)
        yield Campaign(world, crowd, lives, watchers, seed)


async def _polls(world: World) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=world.instances[0].url, timeout=10) as client:
        owner = token_hex(12)
        return [
            await create_poll(client, owner, allowVoteChange=True),
            await create_poll(client, owner, allowVoteChange=True, maxChoices=3),
            await create_poll(client, owner),
        ]


def table(rows: Iterable[Row]) -> str:
    """What came of it, as text."""
    lines = [
        f"{'fault':24} {'times':>5} {'acknowledged':>12} {'lost':>5} {'doubled':>7} "
        f"{'strange':>7} {'drift':>5} {'seconds to exact':>16}"
    ]
    for row in rows:
        lines.append(
            f"{row.name:24} {row.times:5} {row.acknowledged:12} {len(row.lost):5} "
            f"{len(row.doubled):7} {len(row.strange):7} {len(row.drift):5} {row.seconds:16.2f}"
        )
    return "\n".join(lines)
