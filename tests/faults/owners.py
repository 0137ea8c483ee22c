"""Owners whose polls live under load: voted on, edited, closed, opened again, deleted.

What an owner was answered holds from then on, on every instance: after a close no read changes and
no ballot is taken, a hidden count stays hidden, a deleted poll is gone.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from tests.faults.asking import Answer, Asker
from tests.faults.crowd import Record
from tests.faults.watching import Watcher
from tests.instances import Instance

refusals = {"poll_closed", "poll_not_found"}
longest_try = 30.0
"""Seconds after which an owner no longer repeats what is answered 503."""


@dataclass
class Owned:
    """A poll with a life, and what everybody was answered."""

    poll: dict[str, Any]
    owner: str
    ballots: dict[str, str] = field(default_factory=dict)
    closed_at: float | None = None
    """When a close was answered, until the next change is asked for."""
    final: dict[str, Any] | None = None
    """What was read first after that answer."""
    unheard: bool = False
    """Whether the last change was asked for at least once in vain."""
    loose: bool = False
    """Whether an unheard reopening may still come: then no close is known to be the last word."""
    ended: bool = False
    """Whether a close or a delete was ever asked for."""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def id(self) -> str:
        """The poll's id."""
        return str(self.poll["id"])


class Owners:
    """So many owners at work, each with one poll at a time and a few guests who vote on it."""

    def __init__(
        self,
        living: Callable[[], list[Instance]],
        watchers: list[Watcher],
        record: Record,
        seed: int,
        owners: int = 2,
        guests: int = 3,
    ) -> None:
        self.polls: list[Owned] = []
        self.hang_ups = 0.0
        """The share of the changes that are cut off in the middle; there are more of them then."""
        self._takes = 0.006
        """Seconds that a change takes: on a quiet machine some milliseconds."""
        self._living = living
        self._watchers = watchers
        self._record = record
        self._seed, self._owners, self._guests = seed, owners, guests
        self.asker = Asker(living)
        self._going = asyncio.Event()
        self._idle: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin."""
        await self.asker.start()
        self._going.set()
        self._tasks = [
            asyncio.create_task(self._own_forever(place)) for place in range(self._owners)
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
        """Let every owner finish what was begun; their polls stay as they are."""
        self._going.clear()
        while len(self._idle) < self._owners:
            await asyncio.sleep(0.01)
            for task in self._tasks:
                if task.done():
                    task.result()

    async def resume(self) -> None:
        """Delete the polls there were, and go on."""
        chance = random.Random(self._seed)
        for owned in self.polls:
            await self.asker.ask(chance, "DELETE", f"delete-poll/{owned.id}", owned.owner)
            for watcher in self._watchers:
                watcher.forget(owned.id)
        self.polls.clear()
        self._going.set()

    async def add(self, owned: Owned) -> None:
        """Take a poll on, to be watched, judged and deleted as one's own."""
        self.polls.append(owned)
        await asyncio.gather(*(watcher.follow(owned.id) for watcher in self._watchers))

    async def create(self, chance: random.Random, **fields: Any) -> Owned | None:
        """A new poll; ``None`` where it cannot be had now."""
        owner = f"{chance.getrandbits(96):024x}"
        asked = {"question": "Which?", "options": [{"text": t} for t in "abc"], **fields}
        answer = await self.asker.ask(chance, "POST", "create-poll", owner, asked)
        if answer is None or answer[0] != 201:
            return None
        owned = Owned(answer[1], owner)
        await self.add(owned)
        return owned

    async def _own_forever(self, place: int) -> None:
        lives = 0
        while True:
            if not self._going.is_set():
                self._idle.add(place)
                await self._going.wait()
                self._idle.discard(place)
            lives += 1
            chance = random.Random(f"{self._seed}/{place}/{lives}")
            owned = await self.create(chance, results=chance.choice(["always", "after_close"]))
            if owned is None:
                await asyncio.sleep(0.2)
                continue
            guests = [
                asyncio.create_task(self._vote_on(owned, random.Random(chance.random())))
                for _ in range(self._guests)
            ]
            try:
                await self._live(chance, owned)
            finally:
                owned.over.set()
                await asyncio.gather(*guests)

    async def _live(self, chance: random.Random, owned: Owned) -> None:
        steps: list[Callable[[random.Random, Owned], Awaitable[None]]] = [self._close]
        if chance.random() < 0.5:
            steps.insert(0, self._hide)
        if chance.random() < 0.5:
            steps += [self._reopen, self._close]
        if chance.random() < 0.4:
            steps.append(self._delete)
        for step in steps:
            await asyncio.sleep(chance.uniform(0.1, 0.8) * (0.3 if self.hang_ups else 1.0))
            if not self._going.is_set():
                return
            await step(chance, owned)

    async def _close(self, chance: random.Random, owned: Owned) -> None:
        owned.ended = True
        answer = await self._change(chance, owned, "POST", f"close-poll/{owned.id}")
        if answer is None or owned.loose:
            return
        owned.closed_at = monotonic()
        for _ in range(4):
            for view in await self.read_everywhere(chance, owned, owned.owner):
                self._check_final(owned, view)
            await asyncio.sleep(chance.uniform(0.0, 0.3))

    def _check_final(self, owned: Owned, answer: Answer) -> None:
        if answer[0] != 200:
            return
        view = {name: answer[1][name] for name in ("status", "counts", "votersCount")}
        owned.final = owned.final or view
        if view != owned.final or view["status"] != "closed":
            self._strange(owned, f"closed with {owned.final}, then read {view}")

    async def _reopen(self, chance: random.Random, owned: Owned) -> None:
        owned.closed_at = owned.final = None
        await self._change(chance, owned, "POST", f"reopen-poll/{owned.id}")
        owned.loose |= owned.unheard

    async def _hide(self, chance: random.Random, owned: Owned) -> None:
        body = {"results": "owner"}
        if await self._change(chance, owned, "PATCH", f"update-poll/{owned.id}", body) is None:
            return
        stranger = f"{chance.getrandbits(96):024x}"
        for status, view in await self.read_everywhere(chance, owned, stranger):
            if status == 200 and not view.get("resultsHidden"):
                self._strange(owned, f"its owner's results, and a stranger reads {view['counts']}")

    async def _delete(self, chance: random.Random, owned: Owned) -> None:
        owned.closed_at = owned.final = None
        if await self._change(chance, owned, "DELETE", f"delete-poll/{owned.id}") is None:
            return
        for status, view in await self.read_everywhere(chance, owned, owned.owner):
            if status == 200:
                self._strange(owned, f"deleted, then read {view}")

    async def _change(
        self, chance: random.Random, owned: Owned, method: str, path: str, body: Any = None
    ) -> Answer | None:
        """Ask for a change until it is answered; ``None`` where it was cut off, or given up."""
        owned.unheard = False
        if chance.random() < self.hang_ups:
            owned.unheard = True
            after = chance.uniform(0.0, 1.3) * self._takes
            await self.asker.hang_up(chance, method, path, owned.owner, body, after)
            if chance.random() < 0.5:
                return None
        until = monotonic() + longest_try
        while monotonic() < until:
            began = monotonic()
            answer = await self.asker.ask(chance, method, path, owned.owner, body)
            if answer is not None and answer[0] in (200, 204, 404):
                self._takes = min(monotonic() - began, 0.1)
                return answer
            if answer is not None and answer[0] != 503:
                self._strange(owned, f"{method} {path}: {answer}")
                return None
            owned.unheard |= answer is None
            await asyncio.sleep(chance.uniform(0.05, 0.2))
        return None

    async def read_everywhere(self, chance: random.Random, owned: Owned, user: str) -> list[Answer]:
        """The poll as each living instance shows it; those that do not answer are left out."""
        path = f"get-poll-by-id/{owned.id}"
        read = (self.asker.ask(chance, "GET", path, user, at=one) for one in self._living())
        answers = [one for one in await asyncio.gather(*read) if one is not None]
        for status, view in answers:
            if status == 200 and "votersCount" in view:
                version = view["version"]
                self._record.saw(owned.id, version, view["counts"], "REST")
                self._record.saw(f"{owned.id} status", version, view["status"], "REST")
        return answers

    async def _vote_on(self, owned: Owned, chance: random.Random) -> None:
        while not owned.over.is_set():
            user = f"{chance.getrandbits(96):024x}"
            option = chance.choice(owned.poll["options"])["id"]
            while not await self.vote(chance, owned, user, option):
                if owned.over.is_set():
                    return
                await asyncio.sleep(chance.uniform(0.05, 0.2))
            await asyncio.sleep(chance.uniform(0.01, 0.05))

    async def vote(
        self,
        chance: random.Random,
        owned: Owned,
        user: str,
        option: str,
        at: Instance | None = None,
    ) -> bool:
        """One try to vote; whether it was answered for good."""
        began, path = monotonic(), f"vote-on-poll/{owned.id}/{option}"
        answer = await self.asker.ask(chance, "POST", path, user, at=at)
        if answer is None or answer[0] == 503:
            return False
        if answer[0] in (200, 201):
            owned.ballots[user] = option
            if owned.closed_at is not None and began > owned.closed_at and answer[0] == 201:
                self._strange(owned, "a ballot was taken after the close was answered")
        elif answer[1].get("code") not in refusals or not owned.ended:
            self._strange(owned, f"a vote was answered {answer}")
        return True

    def _strange(self, owned: Owned, what: str) -> None:
        self._record.strange.append(f"{owned.id}: {what}")
