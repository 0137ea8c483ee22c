"""Voters half of whom have themselves erased while they vote; the others vote on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from tests.faults.asking import Answer
from tests.faults.crowd import Crowd, Pair
from tests.instances import Instance


class Left(Exception):
    """This voter asks for nothing any more."""


class Leavers(Crowd):
    """Every second one of the voters leaves when told to.

    Whoever leaves goes on until that was acknowledged, or the service takes nothing of them any
    more; like everybody they repeat what was not answered, but not for longer than that.
    """

    def __init__(
        self,
        living: Callable[[], list[Instance]],
        polls: list[dict[str, Any]],
        voters: int,
        seed: int,
    ) -> None:
        super().__init__(living, polls, voters, seed)
        self.leaving, self.staying = self._users[::2], self._users[1::2]
        self.jobs: dict[str, str] = {}
        """The erasure of each who was told that theirs is under way."""
        self.unsure: set[Pair] = set()
        """Whose last act on which poll nobody knows the outcome of."""
        self._asking: set[str] = set()

    async def leave(self, chance: random.Random, user: str) -> None:
        """Ask for the erasure until it is acknowledged; then once more, anywhere."""
        self._asking.add(user)
        path = f"/api/user/erase-user/{user}"
        if chance.random() < 0.5:
            await self.asker.hang_up(chance, "POST", path, user, None, chance.uniform(0.0, 0.02))
        job = await self._accepted(chance, path, user)
        self.jobs[user] = job
        again = await self._accepted(chance, path, user)
        if again != job:
            self.record.strange.append(f"{user}: the erasure is {job} and {again}")

    async def status(self, chance: random.Random, user: str) -> str:
        """How far the erasure is, as an instance that lives says; empty where none answers."""
        path = f"/api/user/erasure/{self.jobs[user]}"
        answer = await self.asker.ask(chance, "GET", path, user)
        return "" if answer is None or answer[0] != 200 else str(answer[1]["status"])

    async def _accepted(self, chance: random.Random, path: str, user: str) -> str:
        while True:
            answer = await self.asker.ask(chance, "POST", path, user)
            if answer is not None and answer[0] == 202:
                return str(answer[1]["jobId"])
            if answer is not None and answer[0] != 503:
                self.record.strange.append(f"POST {path}: {answer}")
            await asyncio.sleep(chance.uniform(0.05, 0.2))

    async def _act_forever(self, place: int, user: str) -> None:
        try:
            await super()._act_forever(place, user)
        except Left:
            self._idle.add(place)

    async def _until_done(
        self, chance: random.Random, method: str, path: str, user: str, body: Any = None
    ) -> None:
        while user not in self.jobs:
            answer = await self.asker.ask(chance, method, path, user, body)
            if answer is not None:
                self.record.answers[answer[0]] += 1
                if answer[0] < 300:
                    self.record.acknowledged += 1
                    return
                if self._is_kept_out(user, answer):
                    break
                if answer[0] != 503:
                    self.record.strange.append(f"{method} {path}: {answer}")
                    return
            await asyncio.sleep(chance.uniform(0.05, 0.2))
        self.unsure.add((user, path.rpartition("/")[2]))
        raise Left

    def _is_kept_out(self, user: str, answer: Answer) -> bool:
        return answer[0] == 403 and user in self._asking
