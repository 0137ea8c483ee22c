"""Runs every order in which some actors can take their steps, and looks at each state.

Each actor is an instance of the service in miniature, made of the product's own parts; only
MongoDB and the network are pretended. A step is one round trip to Redis or MongoDB. Besides the
steps there are blows: a crash, a lost or a restarted Redis, a stretch of time in which everybody
sleeps. Two orders that lead to the same state are followed once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

actor: ContextVar[str] = ContextVar("actor")

Action = tuple[str, ...]


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock moves only when it is told to."""

    clock = 0.0
    closing = False

    def time(self) -> float:
        """Seconds."""
        return self.clock

    @property
    def settled(self) -> bool:
        """Whether nobody can go on without a step or a move of the clock."""
        ready: Any = self._ready  # type: ignore[attr-defined]
        return len(ready) == 0

    @property
    def next_timer(self) -> float | None:
        """Seconds until somebody wakes up."""
        timers: Any = self._scheduled  # type: ignore[attr-defined]
        left = [one.when() - self.clock for one in timers if not one.cancelled()]
        return min(left, default=None)


class Stage:
    """Where the actors wait for their turns."""

    def __init__(self, loop: StillLoop, fresh_starts: set[str]) -> None:
        """``fresh_starts`` are steps after which a task knows nothing of those before."""
        self.loop = loop
        self.fresh_starts = fresh_starts
        self._by: dict[str, asyncio.Task[Any]] = {}
        self.free = False
        self.crashed: set[str] = set()
        self.waiting: dict[str, tuple[str, asyncio.Future[bool]]] = {}
        self.told: dict[str, list[str]] = {}

    async def step(self, what: str, act: Callable[[], Any]) -> Any:
        """Wait for a turn, then act at once; once more, where the answer is lost."""
        task = asyncio.current_task()
        if task is None or self.loop.closing:
            raise asyncio.CancelledError
        who = f"{actor.get()}/{task.get_name().split('-')[0]}"
        while await self._turn(who, what):
            act()
        answer = act()
        if what in self.fresh_starts or self._by.get(who) is not task:
            self.told[who] = []
        self._by[who] = task
        if self.told[who][-1:] != [f"{what}={answer}"]:
            self.told[who].append(f"{what}={answer}")
        return answer

    async def _turn(self, who: str, what: str) -> bool:
        """Wait; answers whether the answer will be lost."""
        crashed = actor.get() in self.crashed
        if self.free and not crashed:
            return False
        turn: asyncio.Future[bool] = self.loop.create_future()
        if not crashed:
            self.waiting[who] = what, turn
        try:
            return await turn
        finally:
            if self.waiting.get(who, (what, None))[1] is turn:
                del self.waiting[who]

    def heard(self) -> dict[str, list[str]]:
        """What those know who are still at work."""
        return {
            who: said
            for who, said in self.told.items()
            if not self._by[who].done() and who.partition("/")[0] not in self.crashed
        }

    def go(self, who: str, *, lost: bool = False) -> None:
        """Give a waiting task its turn; with ``lost`` it does not hear the answer, and repeats."""
        self.waiting.pop(who)[1].set_result(lost)

    def crash(self, name: str) -> None:
        """Nothing of this actor happens any more."""
        self.crashed.add(name)
        for who in [one for one in self.waiting if one.startswith(f"{name}/")]:
            del self.waiting[who]

    async def settle(self) -> None:
        """Let everybody run until all wait."""
        await asyncio.sleep(0)
        while not self.loop.settled:  # noqa: ASYNC110 - the loop itself is what is waited for
            await asyncio.sleep(0)


class Play(Protocol):
    """One run of a scenario."""

    async def begin(self) -> None:
        """Start the actors."""

    def actions(self) -> list[Action]:
        """What can happen now."""

    async def do(self, action: Action) -> None:
        """Let it happen."""

    def look(self) -> Hashable:
        """Check what must hold in every state; a key of the state."""

    async def end(self) -> None:
        """Check what must hold once nothing more happens."""


@dataclass
class Explored:
    """How much was seen."""

    states: int = 0
    endings: int = 0
    runs: int = 0


class Violation(AssertionError):
    """A promise broken, and the way to it."""


def explore(make: Callable[[StillLoop], Play]) -> Explored:
    """Follow every order. Raises :class:`Violation`."""
    seen: set[Hashable] = set()
    found = Explored()
    ways: list[list[Action]] = [[]]
    while ways:
        way = ways.pop()
        found.runs += 1
        loop = StillLoop()
        try:
            loop.run_until_complete(_follow(make(loop), way, ways, seen, found))
        except AssertionError as error:
            raise Violation(f"{error}\nafter " + "\n      ".join(map(str, way))) from error
        finally:
            _close(loop)
    found.states = len(seen)
    return found


async def _follow(
    play: Play,
    way: list[Action],
    ways: list[list[Action]],
    seen: set[Hashable],
    found: Explored,
) -> None:
    await play.begin()
    for action in list(way):
        await play.do(action)
    while True:
        key = play.look()
        if key in seen:
            return
        seen.add(key)
        actions = play.actions()
        if not actions:
            found.endings += 1
            await play.end()
            return
        ways.extend([*way, other] for other in actions[1:])
        way.append(actions[0])
        await play.do(actions[0])


def _close(loop: StillLoop) -> None:
    loop.closing = True
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()
