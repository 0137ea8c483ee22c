"""Runs every order in which some actors can take their steps, and looks at each state.

Each actor is an instance of the service in miniature, made of the product's own parts; only
MongoDB and the network are pretended. A step is one round trip to Redis or MongoDB. Besides the
steps there are blows: a crash, a lost or a restarted Redis, a stretch of time in which everybody
sleeps. Two orders that lead to the same state are followed once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import Any, Protocol

from tests.model.state_key import digest

actor: ContextVar[str] = ContextVar("actor")
hearing: ContextVar[Line] = ContextVar("hearing")

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


class Outcome(Enum):
    """What becomes of a step: it is taken; its answer is lost, and it is repeated; it is not taken,
    and fails; it fails and was taken; or it fails and is on its way, to be taken at any time."""

    TAKEN = "step"
    REPEATED = "break"
    REFUSED = "refuse"
    UNHEARD = "unheard"
    SENT = "send"


class Line:
    """What somebody has heard so far; it is all that they go by."""

    def __init__(self, owner: asyncio.Task[Any]) -> None:
        self.owner = owner
        self.told: list[str] = []

    def hears(self, word: str) -> None:
        """One more answer."""
        if self.told[-1:] != [word]:
            self.told.append(word)


Failing = Callable[[Outcome], Exception]


class Stage:
    """Where the actors wait for their turns."""

    def __init__(self, loop: StillLoop, fresh_starts: set[str]) -> None:
        """``fresh_starts`` are steps after which a task knows nothing of those before."""
        self.loop = loop
        self.fresh_starts = fresh_starts
        self.free = False
        self.crashed: set[str] = set()
        self.waiting: dict[str, tuple[str, asyncio.Future[Outcome], Line]] = {}
        self.roots: dict[str, asyncio.Task[Any]] = {}
        self._lines: list[tuple[str, str, Line]] = []

    async def alive(self) -> None:
        """Go on, unless this actor has died."""
        if self.loop.closing:
            raise asyncio.CancelledError
        if actor.get() in self.crashed:
            await self.loop.create_future()

    def hear(self, what: str, answer: Any) -> None:
        """Somebody hears what happened without a turn of its own."""
        task = asyncio.current_task()
        if task is not None and not self.free:
            name = task.get_name().split("-")[0]
            self._line(what, name, task).hears(f"{what}={digest(answer)}")

    async def step(
        self,
        what: str,
        act: Callable[[], Any],
        failing: Failing | None = None,
        tell: Callable[[Any], Any] = digest,
    ) -> Any:
        """Wait for a turn, then act at once; see :class:`Outcome`. ``tell``: what there is to go by
        in the answer."""
        task = asyncio.current_task()
        if task is None or self.loop.closing:
            raise asyncio.CancelledError
        name = task.get_name().split("-")[0]
        line = self._line(what, name, task)
        outcome = await self._turn(f"{actor.get()}/{name}", what, line)
        while outcome is Outcome.REPEATED:
            with suppress(Exception):
                act()
            outcome = await self._turn(f"{actor.get()}/{name}", what, line)
        if outcome is not Outcome.TAKEN and failing is not None:
            if outcome is Outcome.UNHEARD:
                with suppress(Exception):
                    act()
            line.hears(f"{what} failed")
            raise failing(outcome)
        try:
            answer = act()
        except Exception as error:
            line.hears(f"{what}: {type(error).__name__} {getattr(error, 'details', '')}")
            raise
        line.hears(f"{what}={tell(answer)}")
        return answer

    def _line(self, what: str, name: str, task: asyncio.Task[Any]) -> Line:
        """Who hears the answer: a recount by itself, all else belongs to what its actor does."""
        line = hearing.get(None)
        own = name in ("recount",)
        owner = task if own else self.roots.get(actor.get(), task)
        fresh = line is None or what in self.fresh_starts or (own and line.owner is not task)
        if line is None or fresh:
            line = Line(owner)
            self._lines = [one for one in self._lines if not self._replaced(one, owner, name)]
            self._lines.append((actor.get(), name, line))
            hearing.set(line)
        return line

    def _replaced(self, one: tuple[str, str, Line], owner: asyncio.Task[Any], name: str) -> bool:
        return one[0] == actor.get() and one[1] == name and one[2].owner is owner

    async def _turn(self, name: str, what: str, line: Line) -> Outcome:
        crashed = actor.get() in self.crashed
        if self.free and not crashed:
            return Outcome.TAKEN
        turn: asyncio.Future[Outcome] = self.loop.create_future()
        who = next(w for w in map(f"{name}#{{}}".format, count()) if w not in self.waiting)
        if not crashed:
            self.waiting[who] = what, turn, line
        try:
            return await turn
        finally:
            if who in self.waiting and self.waiting[who][1] is turn:
                del self.waiting[who]

    def heard(self) -> list[tuple[str, str, list[str]]]:
        """What those know who are still at work."""
        busy = [id(line) for _, _, line in self.waiting.values()]
        return sorted(
            (who, name, line.told)
            for who, name, line in self._lines
            if who not in self.crashed and (not line.owner.done() or id(line) in busy)
        )

    def go(self, who: str, outcome: Outcome = Outcome.TAKEN) -> None:
        """Give a waiting task its turn."""
        self.waiting.pop(who)[1].set_result(outcome)

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


class TooMany(Exception):
    """A play that is too large to be followed."""


def explore(make: Callable[[StillLoop], Play], most: int = 50_000) -> Explored:
    """Follow every order. Raises :class:`Violation`, and :class:`TooMany` beyond ``most`` runs."""
    seen: set[Hashable] = set()
    found = Explored()
    ways: list[list[Action]] = [[]]
    while ways:
        way = ways.pop()
        found.runs += 1
        if found.runs > most:
            raise TooMany(f"more than {most} ways, {len(seen)} states")
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
