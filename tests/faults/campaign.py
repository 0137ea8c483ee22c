"""A campaign: harm upon harm under a steady load, and after each one everything must agree."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any

import httpx

from tests.builders import create_poll
from tests.faults.crowd import Crowd
from tests.faults.harm import harms
from tests.faults.judging import Judge, lost_and_doubled
from tests.faults.watching import Watcher
from tests.faults.world import World

patience = 12.0
"""Seconds after which a campaign stops waiting for agreement (five are promised)."""


@dataclass
class Row:
    """What came of one kind of harm."""

    name: str
    times: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Nothing lost, nothing doubled, nothing strange, exact within five seconds."""
        return not (self.lost or self.doubled or self.strange) and self.seconds <= 5.0


class Campaign:
    """One world, one crowd, one harm after the other."""

    def __init__(self, world: World, crowd: Crowd, judge: Judge, chance: random.Random) -> None:
        self.rows: dict[str, Row] = {}
        self._world = world
        self._crowd = crowd
        self._judge = judge
        self._chance = chance

    async def harm(self, name: str, scale: float = 1.0) -> Row:
        """Do one harm under load, wait for agreement, and note what came of it."""
        row = self.rows.setdefault(name, Row(name))
        record = self._crowd.record
        before, strange = record.acknowledged, len(record.strange)
        await asyncio.sleep(self._chance.uniform(0.5, 1.0))
        await harms[name](self._world, self._chance, scale)
        since = monotonic()
        await asyncio.sleep(self._chance.uniform(0.0, 0.5))
        await self._crowd.pause()
        took, wrong = await self._judge.until_exact(since, patience)
        await self._restart_the_dead()
        if not wrong:
            _, wrong = await self._judge.until_exact(monotonic(), patience)
        lost, doubled = await asyncio.to_thread(lost_and_doubled, self._world, record)
        row.times += 1
        row.acknowledged += record.acknowledged - before
        row.lost += lost
        row.doubled += doubled
        row.strange += record.strange[strange:] + wrong
        row.seconds = max(row.seconds, took)
        record.states.clear()
        self._crowd.resume()
        return row

    async def _restart_the_dead(self) -> None:
        for instance in self._world.instances:
            if instance.process.poll() is not None:
                await asyncio.to_thread(instance.start)


@asynccontextmanager
async def campaign(directory: Path, seed: int, voters: int = 24) -> AsyncIterator[Campaign]:
    """Stores, instances, polls, voters and watchers, at work."""
    chance = random.Random(seed)
    async with World(directory) as world:
        polls = await _polls(world)
        crowd = Crowd(lambda: world.living, polls, voters, seed)
        ids = [poll["id"] for poll in polls]
        watchers = [Watcher(instance, ids, crowd.record) for instance in world.instances]
        judge = Judge(world, polls, watchers, crowd.record)
        for watcher in watchers:
            watcher.start()
        await crowd.start()
        try:
            yield Campaign(world, crowd, judge, chance)
        finally:
            await crowd.aclose()
            for watcher in watchers:
                await watcher.aclose()


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
        f"{'strange':>7} {'seconds to exact':>16}"
    ]
    for row in rows:
        lines.append(
            f"{row.name:24} {row.times:5} {row.acknowledged:12} {len(row.lost):5} "
            f"{len(row.doubled):7} {len(row.strange):7} {row.seconds:16.2f}"
        )
    return "\n".join(lines)
