"""The counting protocol as a play: writers, a recount and the blows that they suffer.

The ledger, the counters, the gate, the recounts, the reconciler and the Lua scripts are the
product's. MongoDB is a set of writes.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from prometheus_client import REGISTRY

from quickpoll.foundation.stores.redis import Call, RedisLink, Script
from quickpoll.tallies import scripts
from quickpoll.tallies.bell import Bell
from quickpoll.tallies.counters import Counters, write_seconds
from quickpoll.tallies.debts import Debts
from quickpoll.tallies.keys import Keys
from quickpoll.tallies.ledger import Ledger
from quickpoll.tallies.rebuild import Rebuilder
from quickpoll.tallies.reconcile import Reconciler
from quickpoll.tallies.tally import Change, Counted, Tally, parse_state
from tests.model.explorer import Action, Stage, StillLoop, actor
from tests.model.memory_redis import MemoryRedis

poll = "5f" * 12
keys = Keys()
margin_seconds = 0.7
"""What the writers of votes keep between the end of their writes and that of their mark."""

nap_seconds = write_seconds + 0.1

names: dict[str, str] = {
    one.sha: name for name, one in vars(scripts).items() if isinstance(one, Script)
}


@dataclass(frozen=True)
class Scenario:
    """Who takes part, and how many blows there may be."""

    writers: int = 2
    recounts: int = 1
    crashes: int = 0
    flushes: int = 0
    restarts: int = 0
    naps: int = 0
    late: bool = False
    """A writer that slept past the deadline writes all the same."""
    unsure: bool = False
    """The first writer does not hear what became of its write, which lands at any time."""
    at_once: bool = False
    """A recount reads all its counts in one step."""
    breaks: int = 0
    """Connections that break between a script and its answer: the script runs again."""


class ModelLink:
    """A :class:`RedisLink` whose every round trip is a step."""

    available = True

    def __init__(self, stage: Stage, redis: MemoryRedis, owners: dict[str, str]) -> None:
        self._stage = stage
        self._redis = redis
        self._owners = owners

    @property
    def run_id(self) -> str:
        return self._redis.run_id

    async def run(self, script: Script, names_of_keys: Sequence[str], *arguments: Any) -> Any:
        name = names.get(script.sha, "changed")
        if name in ("begin", "close_gate"):
            self._owners.setdefault(str(arguments[0]), f"{actor.get()}:{name}")

        def act() -> Any:
            return self._redis.run(script, names_of_keys, arguments)

        left = name == "leave_gate" and self._redis.call("GET", names_of_keys[0]) != arguments[0]
        if name == "look_at" or left:
            # Nobody in this play goes by the one, and the other changes nothing: no need to wait.
            return act()
        return await self._stage.step(name, act)

    async def run_in_order(self, *calls: Call) -> list[Any]:
        return [await self.run(script, keys, *arguments) for script, keys, arguments in calls]

    async def call(self, *command: Any) -> Any:
        return await self._stage.step(command[0], lambda: self._redis.call(*command))

    ask = call

    async def together(self, commands: Iterable[Sequence[Any]]) -> list[Any]:
        return [await self.call(*command) for command in commands]

    def on_return(self, listener: Any) -> None:
        """Redis never goes away in this play; it only forgets."""


class ModelMongo:
    """Which writes stand; the counts, each read by itself."""

    def __init__(self, stage: Stage, options: list[str], *, at_once: bool) -> None:
        self._stage = stage
        self.options = options
        self.at_once = at_once
        self.written: set[str] = set()

    def truth(self) -> dict[str, int]:
        return {option: int(option in self.written) for option in self.options}

    async def count(self, poll_id: str) -> Counted | None:
        if self.at_once:
            counts = await self._stage.step("count", self.truth)
        else:
            steps = {one: partial(self._one, one) for one in self.options}
            counts = {one: await self._stage.step("count", step) for one, step in steps.items()}
        return Counted(counts, sum(counts.values()), 0, 1)

    def _one(self, option: str) -> int:
        return self.truth()[option]

    async def counts(self, poll_ids: Iterable[str]) -> dict[str, Counted]:
        raise NotImplementedError

    async def mend_likes(self, poll_id: str, likes: int) -> None:
        """There are none."""


class NoDebts:
    """Nobody owes anything while Redis is there."""

    def take_owed(self) -> dict[str, Any]:
        return {}

    def told(self, poll_ids: Iterable[str]) -> None:
        """No other Redis takes over."""

    async def ripe(self) -> list[Any]:
        return []

    async def is_noted(self, poll_id: str) -> bool:
        return False


class NoBell:
    """Rings only while Redis is away."""


class Member:
    """One instance."""

    def __init__(self, name: str, play: CountingPlay) -> None:
        debts = cast(Debts, NoDebts())
        self.link = ModelLink(play.stage, play.redis, play.owners)
        self.counters = Counters(cast(RedisLink, self.link), keys, debts)
        self.rebuilder = Rebuilder(self.counters, play.mongo)
        self.ledger = Ledger(self.counters, self.rebuilder, cast(Bell, NoBell()))
        self.reconciler = Reconciler(
            name, self.counters, debts, play.mongo, self.rebuilder, play.recent, play.loop.time
        )


class CountingPlay:
    """Writers, each with an option of its own, and recounts, over one poll."""

    def __init__(
        self, scenario: Scenario, loop: StillLoop, changed: Mapping[str, str] | None = None
    ) -> None:
        """``changed``: other sources for scripts, to see whether the play would notice."""
        self.scenario = scenario
        self.loop = loop
        self.stage = Stage(loop, {"begin", "close_gate"})
        self.redis = MemoryRedis(changed)
        self.owners: dict[str, str] = {}
        options = [f"writer{place}" for place in range(scenario.writers)]
        self.mongo = ModelMongo(self.stage, options, at_once=scenario.at_once)
        self.acknowledged: set[str] = set()
        self.blows: Counter[str] = Counter()
        self.shown: tuple[int, dict[str, int]] = (0, {})
        self._begun = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def recent(self) -> list[str]:
        return [poll]

    async def begin(self) -> None:
        first = Member("first", self)
        self.stage.free = True
        actor.set("first")
        await first.counters.create(poll, self.mongo.options, 1)
        self.redis.save()
        self.stage.free = False
        for option in self.mongo.options:
            self._start(option, self._write(option))
        for place in range(self.scenario.recounts):
            self._start(f"recount{place}", self._recount(f"recount{place}"))
        if self.scenario.unsure:
            self._start("wire", self._land("writer0"))
        await self.stage.settle()

    def _start(self, name: str, part: Any) -> None:
        def spawn() -> asyncio.Task[None]:
            actor.set(name)
            return asyncio.create_task(part, name="part")

        self._tasks.append(copy_context().run(spawn))

    async def _write(self, option: str) -> None:
        member = Member(option, self)
        unsure = self.scenario.unsure and option == "writer0"
        while True:
            began = self.loop.time()
            writing = await member.ledger.begin([poll])
            if poll not in writing.held:
                break
            await asyncio.sleep(0.01)
        self._begun.set()
        change = Change()
        change.ballot((), (option,))
        if unsure:
            await member.ledger.finish(writing, {}, uncertain=[poll])
        elif await self.stage.step("write", lambda: self._write_now(option, began)):
            await member.ledger.finish(writing, {poll: change})
            self.acknowledged.add(option)
        else:
            await member.ledger.finish(writing, {})

    def _write_now(self, option: str, began: float) -> bool:
        in_time = self.loop.time() - began < write_seconds - margin_seconds
        if in_time or self.scenario.late:
            self.mongo.written.add(option)
        return in_time or self.scenario.late

    async def _land(self, option: str) -> None:
        await self._begun.wait()
        await self.stage.step("land", lambda: self.mongo.written.add(option))

    async def _recount(self, name: str) -> None:
        await Member(name, self).rebuilder.now(poll)

    def actions(self) -> list[Action]:
        able: list[Action] = [("step", who) for who in sorted(self.stage.waiting)]
        timer = self.loop.next_timer
        if timer is not None and timer < 0.05:
            able.append(("wake",))
        if not able:
            return []
        left = self.scenario
        if self.blows["crash"] < left.crashes:
            able += [("crash", name) for name in self._whole()]
        if self.blows["break"] < left.breaks:
            able += [("break", who) for who in sorted(self.stage.waiting) if self._on_wire(who)]
        if self.blows["flush"] < left.flushes:
            able.append(("flush",))
        if self.blows["restart"] < left.restarts:
            able.append(("restart",))
        if self.blows["nap"] < left.naps:
            able.append(("nap",))
        return able

    def _on_wire(self, who: str) -> bool:
        return self.stage.waiting[who][0] not in ("write", "land", "count")

    def _whole(self) -> list[str]:
        # The writers are alike: it is enough that the first one may crash.
        waiting = {who.partition("/")[0] for who in self.stage.waiting}
        return sorted(waiting & {"writer0", "recount0"} - self.stage.crashed)

    async def do(self, action: Action) -> None:
        match action:
            case ("step", who):
                self.stage.go(who)
            case ("break", who):
                self.stage.go(who, lost=True)
            case ("wake",):
                self._pass((self.loop.next_timer or 0.0) + 1e-6)
            case ("nap",):
                self._pass(nap_seconds)
            case ("crash", name):
                self.stage.crash(name)
            case ("flush",):
                self.redis.flush()
            case ("restart",):
                self.redis.restart()
        if action[0] not in ("step", "wake"):
            self.blows[action[0]] += 1
        await self.stage.settle()

    def _pass(self, seconds: float) -> None:
        self.loop.clock += seconds
        self.redis.clock = self.loop.clock

    def look(self) -> Hashable:
        tally = self._trusted()
        if tally is not None:
            self._check(tally)
        return self._key()

    def _trusted(self) -> Tally | None:
        tally = parse_state(self.redis.call("GET", keys.state(poll)), self.redis.run_id)
        return tally if tally is not None and tally.settled else None

    def _check(self, tally: Tally) -> None:
        counted = {option for option, votes in tally.options.items() if votes}
        assert all(votes in (0, 1) for votes in tally.options.values()), f"doubled: {tally}"
        lacks = self.acknowledged - counted
        assert not lacks, f"acknowledged and trusted to be absent: {lacks}"
        assert counted <= self.mongo.written, f"counted, not written: {counted}"
        version, before = self.shown
        if tally.options != before:
            assert tally.version > version, f"version {tally.version} after {version}"
        self.shown = tally.version, tally.options

    def _key(self) -> Hashable:
        """The state, without what only tells one run from another: tokens, times, versions."""
        now = self.redis.now_ms
        raw = self.redis.strings.get(keys.state(poll))
        state = json.loads(raw) if raw else {}
        state |= {"v": 0, "p": 0, "q": (state.get("q", 0) > 0) + (state.get("q", 0) > now)}
        marks = {
            self.owners[token]: float(deadline) < now
            for token, deadline in self.redis.hashes.get(keys.writes(poll), {}).items()
        }
        gate = self.owners.get(self.redis.call("GET", keys.gate(poll)) or "")
        return json.dumps(
            [
                [state, marks, gate, self.redis.run_id, sorted(self.mongo.written)],
                [sorted(self.acknowledged), self._next(), sorted(self.blows.items())],
                [self.stage.heard(), sorted(self.stage.crashed)],
            ],
            sort_keys=True,
        )

    def _next(self) -> list[tuple[str, str]]:
        return sorted((who, what) for who, (what, _) in self.stage.waiting.items())

    async def end(self) -> None:
        """Within five seconds of the last blow whatever shows a count shows the right one, and
        some time later Redis alone is asked again."""
        for task in self._tasks:
            if task.done():
                task.result()
        self.stage.free = True
        actor.set("healer")
        healer = Member("healer", self)
        healer.counters.start()
        began, exact, faults = self.loop.clock, False, _drift()
        while not (exact and self._trusted()):
            exact = exact or self._exact()
            left = 12.0 if exact else 5.0
            assert self.loop.clock - began < left, f"not exact: {self.redis.strings}"
            self._pass(0.5)
            await healer.reconciler.round()
            await self._run_timers()
            assert self._exact() or not exact, f"exact no more: {self.redis.strings}"
        assert _drift() == faults, "counts were trusted and wrong"

    async def _run_timers(self) -> None:
        await self.stage.settle()
        while (timer := self.loop.next_timer) is not None and timer < 0.45:
            self._pass(timer + 1e-6)
            await self.stage.settle()

    def _exact(self) -> bool:
        truth = self.mongo.truth()
        tally = self._trusted()
        if tally is not None:
            self._check(tally)
        plain = {one: self.redis.strings.get(keys.option(poll, one)) for one in truth}
        right = plain == {option: str(votes) for option, votes in truth.items()}
        return right and (tally is None or tally.options == truth)


def _drift() -> float | None:
    return REGISTRY.get_sample_value("quickpoll_counter_drift_total")
