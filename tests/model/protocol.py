"""The counting protocol as a play: people who vote and like, an owner, readers, recounts, and the
blows that they suffer.

Everything that acts is the product's, from the batch to the Lua scripts; the two stores are in
memory. Each actor is an instance of its own.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from prometheus_client import REGISTRY

from quickpoll.foundation.concurrency.time_limits import (
    DRAIN_SECONDS,
    EXACT_SECONDS,
    LOOK_SECONDS,
    MARK_SECONDS,
)
from quickpoll.polls.models import Option, Poll
from tests.model.deeds import Deeds
from tests.model.explorer import Action, Outcome, actor
from tests.model.members import Member
from tests.model.memory_redis import start_ms
from tests.model.scenario import OWNER

NAP_SECONDS = MARK_SECONDS + 0.1
DOZE_SECONDS = DRAIN_SECONDS + 0.1


class CountingPlay(Deeds):
    """Several instances over one poll (or two)."""

    async def begin(self) -> None:
        """The polls are there; everybody is about to begin."""
        self.stage.free = True
        first = await self._member("first")
        for poll_id in self.in_play:
            await first.creation.store(self._poll(poll_id))
        self.redis.save()
        for name in self.scenario.actors:
            member = await self._member(name)
            await member.polls.fresh_many(self.in_play)
        self.stage.free = False
        for name, words in self.scenario.actors.items():
            self._start(name, self._act(name, words))
        await self.stage.settle()

    def _poll(self, poll_id: str) -> Poll:
        return Poll(
            id=ObjectId(poll_id),
            question="Which?",
            folded="which?",
            user_id=ObjectId(OWNER),
            created_at=datetime.fromtimestamp(start_ms / 1000, UTC),
            options=[Option(id=ObjectId(one), text=one) for one in self._options],
            allow_vote_change=self.scenario.changeable,
            voted_on=self.scenario.voted_on,
        )

    async def _member(self, name: str) -> Member:
        actor.set(name)
        recounts = None if self.scenario.recounts or name == "healer" else lambda _: None
        member = Member(name, self.stage, self.redis, self.mongo, recounts)
        await member.start()
        self.members[name] = member
        return member

    def _start(self, name: str, part: Any, what: str = "part") -> None:
        def spawn() -> asyncio.Task[None]:
            actor.set(name)
            task: asyncio.Task[None] = asyncio.create_task(part, name=what)
            _ = self.stage.roots.setdefault(name if what == "part" else f"{name}/{what}", task)
            return task

        self._tasks.append(copy_context().run(spawn))

    def actions(self) -> list[Action]:
        """What can happen now."""
        if self.resting:
            return []
        able: list[Action] = [("step", who) for who in sorted(self.stage.waiting)]
        timer = self.loop.next_timer
        if timer is not None and (timer < 0.05 or (not able and self._busy())):
            able.append(("wake",))
        if not able and not self.mongo.wire:
            return []
        if able:
            able += self._blows()
        if self.scenario.cuts:
            able += [("look", name) for name in self.members if self._may_look(name)]
            able += [("heal", name) for name in self.members if self._may_heal(name)]
        able += [("land", str(place)) for place in range(len(self.mongo.wire))]
        return able if self.stage.waiting or ("wake",) in able else [*able, ("rest",)]

    def _busy(self) -> bool:
        return any(
            not task.done() and name not in self.stage.crashed
            for name, task in self.stage.roots.items()
        )

    def _blows(self) -> list[Action]:
        left, found = self.scenario, list[Action]()
        waiting = sorted((who, what) for who, (what, *_) in self.stage.waiting.items())
        if self.blows["crash"] < left.crashes:
            found += [("crash", name) for name in self._whole()]
        if self.blows["break"] < left.breaks:
            found += [("break", who) for who, what in waiting if "." not in what]
        if self.blows["send"] < left.sends:
            found += [("send", who) for who, what in waiting if _writes(what)]
        if self.blows["cut"] < left.cuts:
            found += self._cuts()
        for blow in _plural:
            if self.blows[blow] < getattr(left, _plural[blow]):
                found.append((blow,))
        return found

    def _may_look(self, name: str) -> bool:
        """Whether looking at the notes would tell this instance anything."""
        notes = {str(note["pollId"]) for note in self.mongo["uncounted"].documents}
        known = self.members[name].uncounted
        involved = name in self.scenario.actors and name not in self.stage.crashed
        return involved and (known.stale or known._noted != notes)

    def _may_heal(self, name: str) -> bool:
        link = self.members[name].link
        return not (link.available or link.returning or name in self.stage.crashed)

    def _cuts(self) -> list[Action]:
        found = list[Action]()
        for name in self.scenario.cut:
            if name in self.stage.crashed or not self.members[name].link.available:
                continue
            found.append(("cut", name))
            if self._on_wire(name):
                found.append(("cut late", name))
        return found

    def _on_wire(self, name: str) -> list[str]:
        return [
            who
            for who, (what, *_) in sorted(self.stage.waiting.items())
            if who.startswith(f"{name}/") and "." not in what
        ]

    def _cut(self, name: str, outcome: Outcome) -> None:
        self.members[name].link.available = False
        for who in self._on_wire(name):
            self.stage.go(who, outcome)

    def _whole(self) -> list[str]:
        # Those who do the same are alike: it is enough that the first one may crash.
        waiting = {who.partition("/")[0] for who in self.stage.waiting}
        return sorted(waiting & set(self.scenario.mortal) - self.stage.crashed)

    async def do(self, action: Action) -> None:
        """Let it happen. No two things happen in the same microsecond."""
        self.loop.clock += 2e-4
        self.redis.clock = self.loop.clock
        match action:
            case ("step", who):
                self.stage.go(who)
            case (("break" | "send" | "refuse" | "unheard") as how, who):
                self.stage.go(who, Outcome(how))
            case ("wake",):
                await self._pass((self.loop.next_timer or 0.0) + 1e-6)
            case ("nap",):
                await self._pass(NAP_SECONDS)
            case ("doze",):
                await self._pass(DOZE_SECONDS)
            case ("crash", name):
                self.stage.crash(name)
            case ("flush",):
                self.redis.flush()
            case ("restart",):
                self.redis.restart()
            case ("land", place):
                self.mongo.land(int(place))
            case ("cut", name):
                self._cut(name, Outcome.REFUSED)
            case ("cut late", name):
                self._cut(name, Outcome.UNHEARD)
            case ("heal", name):
                self._start(name, self.members[name].link.come_back(), "heal")
            case ("look", name):
                actor.set(name)
                await self.members[name].uncounted.look()
            case ("rest",):
                self.resting = True
        if action[0] not in ("step", "wake", "land", "rest", "look", "heal"):
            self.blows[action[0].split()[0]] += 1
        await self.stage.settle()
        self._judge()

    async def _pass(self, seconds: float) -> None:
        self.loop.clock += seconds
        self.redis.clock = self.loop.clock
        if seconds > 0.05 and not self.scenario.cuts:
            for name, member in self.members.items():
                if name not in self.stage.crashed:
                    actor.set(name)
                    await member.uncounted.look()

    async def end(self) -> None:
        """Within five seconds of the last blow whatever shows a count shows the right one, and
        some time later Redis alone is asked again."""
        for task in self._tasks:
            if task.done():
                task.result()
        self.stage.free = True
        for name, member in self.members.items():
            if name not in self.stage.crashed and not member.link.available:
                actor.set(name)
                await member.link.come_back()
        healer = await self._member("healer")
        began, exact, faults = self.loop.clock, False, _drift()
        while not (exact and all(map(self._trusted, self.in_play))):
            exact = exact or self._exact()
            left = 12.0 if exact else EXACT_SECONDS
            assert self.loop.clock - began < left, f"not exact: {self.redis.strings}"
            await self._pass(LOOK_SECONDS)
            await self._rounds(healer)
            await self._run_timers()
            assert self._exact() or not exact, f"exact no more: {self.redis.strings}"
        assert _drift() == faults, "counts were trusted and wrong"

    async def _rounds(self, healer: Member) -> None:
        others = self.members.values() if self.scenario.cuts else ()
        for member in (healer, *others):
            if member.name not in self.stage.crashed:
                actor.set(member.name)
                await member.uncounted.look()
                await member.reconciler.round()

    async def _run_timers(self) -> None:
        await self.stage.settle()
        while (timer := self.loop.next_timer) is not None and timer < 0.45:
            await self._pass(timer + 1e-6)
            await self.stage.settle()


_plural = {"flush": "flushes", "restart": "restarts", "nap": "naps", "doze": "dozes"}


def _writes(what: str) -> bool:
    writes = "insert_many", "update_one", "bulk_write", "insert_one"
    return what.partition(".")[2].split(" ")[0] in writes


def _drift() -> float | None:
    return REGISTRY.get_sample_value("quickpoll_counter_drift_total")
