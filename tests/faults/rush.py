"""A quiet poll among busy ones: its last state reaches every screen within five seconds."""

from __future__ import annotations

import asyncio
import random
import sys
from time import monotonic

from tests.checkout import root
from tests.faults.harm import flush, kill_subscribers
from tests.faults.owners import Owned, Owners
from tests.faults.watching import Watcher
from tests.faults.world import World

busy_polls = 3
promised = 5.0
"""Seconds within which a change is on every screen, whatever else goes on."""


class Rush:
    """Busy polls with as many voters as the machine takes, and one with a voter now and then."""

    def __init__(self, world: World, owners: Owners, watchers: list[Watcher]) -> None:
        self._world = world
        self._owners = owners
        self._watchers = watchers

    async def run(self, chance: random.Random, scale: float) -> list[str]:
        """Rush for a while; answers what did not reach a screen in time."""
        made = [await self._owners.create(chance) for _ in range(busy_polls + 1)]
        polls = [one for one in made if one is not None]
        if len(polls) < len(made):
            return ["a poll could not be made, though nothing was harmed"]
        seconds = chance.uniform(6.0, 10.0) * scale
        burst = asyncio.create_task(self._burst(polls[1:], seconds, chance.getrandbits(32)))
        disturb = asyncio.create_task(self._disturb(chance, seconds))
        late = await self._be_quiet(chance, polls[0], monotonic() + seconds)
        await asyncio.gather(burst, disturb)
        return late

    async def _burst(self, polls: list[Owned], seconds: float, seed: int) -> None:
        command = [sys.executable, "-m", "tests.faults.burst", "--seconds", f"{seconds}"]
        urls = [part for one in self._world.living for part in ("--url", one.url)]
        named = [f"{one.id}:{one.poll['options'][0]['id']}" for one in polls]
        targets = [part for name in named for part in ("--poll", name)]
        process = await asyncio.create_subprocess_exec(
            *(*command, "--seed", str(seed), *urls, *targets),
            cwd=root,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        by_id = {one.id: one for one in polls}
        for line in said.decode().splitlines():
            user, poll_id = line.split()
            by_id[poll_id].ballots[user] = by_id[poll_id].poll["options"][0]["id"]
        assert all(one.ballots for one in polls), "nobody could vote"

    async def _disturb(self, chance: random.Random, seconds: float) -> None:
        end = monotonic() + seconds
        while monotonic() < end:
            await asyncio.sleep(chance.uniform(0.7, 1.3))
            await chance.choice((flush, kill_subscribers))(self._world, chance, 1.0)

    async def _be_quiet(self, chance: random.Random, quiet: Owned, end: float) -> list[str]:
        late = []
        while monotonic() < end:
            user = f"{chance.getrandbits(96):024x}"
            option = chance.choice(quiet.poll["options"])["id"]
            tries = 0
            while not await self._owners.vote(chance, quiet, user, option):
                tries += 1
                await asyncio.sleep(min(0.1 * tries, 1.0))
            if tries:
                late.append(f"{quiet.id}: a vote was refused {tries} times, and MongoDB is well")
            since, wanted = monotonic(), len(quiet.ballots)
            while missing := [one for one in self._watchers if _voters(one, quiet) < wanted]:
                if monotonic() - since > promised:
                    shown = [_voters(one, quiet) for one in self._watchers]
                    late.append(f"{quiet.id}: {wanted} voters, {len(missing)} late: {shown}")
                    break
                await asyncio.sleep(0.05)
            await asyncio.sleep(chance.uniform(0.0, 1.5))
        return late


def _voters(watcher: Watcher, owned: Owned) -> int:
    counts = watcher.shown.get(owned.id, (0, {}))[1]
    return sum(number for name, number in counts.items() if name != "likes")
