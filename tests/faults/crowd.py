"""Voters who vote, change, take back, like and repeat, as real clients do: until it worked."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.asking import Asker
from tests.instances import Instance

Pair = tuple[str, str]
Ballot = frozenset[str]
"""The ids of the options; empty where there is no ballot."""


@dataclass
class Record:
    """What was acknowledged, by user and poll, and what nobody should have seen."""

    ballots: dict[Pair, Ballot] = field(default_factory=dict)
    likes: dict[Pair, bool] = field(default_factory=dict)
    acknowledged: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)
    states: dict[tuple[str, int], Any] = field(default_factory=dict)

    def saw(self, poll_id: str, version: int, state: Any, where: str) -> None:
        """Equal versions mean equal state."""
        known = self.states.setdefault((poll_id, version), state)
        if known != state:
            self.strange.append(f"{where}: version {version} is {known} and {state}")


class Crowd:
    """So many voters on a few polls; they pause between two acts when told to."""

    def __init__(
        self,
        living: Callable[[], list[Instance]],
        polls: list[dict[str, Any]],
        voters: int,
        seed: int,
    ) -> None:
        self.record = Record()
        self.asker = Asker(living, patience=4.0)
        self.polls = polls
        self._random = random.Random(seed)
        self._users = [f"{self._random.getrandbits(96):024x}" for _ in range(voters)]
        self._going = asyncio.Event()
        self._idle: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin."""
        await self.asker.start()
        self._going.set()
        self._tasks = [
            asyncio.create_task(self._act_forever(place, user))
            for place, user in enumerate(self._users)
        ]

    async def aclose(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        found = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.asker.aclose()
        for one in found:
            if isinstance(one, Exception):
                raise one

    async def pause(self) -> None:
        """Let every voter finish what was begun, and wait."""
        self._going.clear()
        while len(self._idle) < len(self._users):
            await asyncio.sleep(0.01)
            for task in self._tasks:
                if task.done():
                    task.result()

    def resume(self) -> None:
        """Go on."""
        self._going.set()

    async def _act_forever(self, place: int, user: str) -> None:
        chance = random.Random(self._random.random())
        while True:
            if not self._going.is_set():
                self._idle.add(place)
                await self._going.wait()
                self._idle.discard(place)
            poll = chance.choice(self.polls)
            await chance.choice((self._vote, self._vote, self._retract, self._like))(
                chance, user, poll
            )
            await asyncio.sleep(chance.uniform(0.005, 0.04))

    async def _vote(self, chance: random.Random, user: str, poll: dict[str, Any]) -> None:
        pair = user, poll["id"]
        if poll["allowVoteChange"] or pair not in self.record.ballots:
            options = [option["id"] for option in poll["options"]]
            chosen = frozenset(chance.sample(options, chance.randint(1, poll["maxChoices"])))
        else:
            chosen = self.record.ballots[pair]
        body = {"optionIds": sorted(chosen)}
        await self._until_done(chance, "PUT", f"ballot/{poll['id']}", user, body)
        self.record.ballots[pair] = chosen
        await self._see(chance, user, poll)

    async def _retract(self, chance: random.Random, user: str, poll: dict[str, Any]) -> None:
        if poll["allowVoteChange"]:
            await self._until_done(chance, "DELETE", f"ballot/{poll['id']}", user)
            self.record.ballots[user, poll["id"]] = frozenset()
            await self._see(chance, user, poll)

    async def _like(self, chance: random.Random, user: str, poll: dict[str, Any]) -> None:
        liked = chance.random() < 0.6
        await self._until_done(
            chance, "PUT" if liked else "DELETE", f"like-poll/{poll['id']}", user
        )
        self.record.likes[user, poll["id"]] = liked

    async def _see(self, chance: random.Random, user: str, poll: dict[str, Any]) -> None:
        """Now and then a voter looks at once, and must find the own ballot."""
        if chance.random() > 0.2:
            return
        answer = await self.asker.ask(chance, "GET", f"get-poll-by-id/{poll['id']}", user)
        if answer is None or answer[0] != 200:
            return
        view, mine = answer[1], self.record.ballots[user, poll["id"]]
        self.record.saw(poll["id"], view["version"], view["counts"], "REST")
        if set(view["userVotes"]) != mine or any(view["counts"][option] < 1 for option in mine):
            self.record.strange.append(f"{user} voted {sorted(mine)} and sees {view}")

    async def _until_done(
        self, chance: random.Random, method: str, path: str, user: str, body: Any = None
    ) -> None:
        while True:
            answer = await self.asker.ask(chance, method, path, user, body)
            if answer is not None:
                self.record.answers[answer[0]] += 1
                if answer[0] < 300:
                    self.record.acknowledged += 1
                    return
                if answer[0] != 503:
                    self.record.strange.append(f"{method} {path}: {answer}")
                    return
            await asyncio.sleep(chance.uniform(0.05, 0.2))
