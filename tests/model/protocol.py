"""The counting protocol as a play: people who vote and like, an owner, readers, recounts, and the
blows that they suffer.

Everything that acts is the product's, from the batch to the Lua scripts; the two stores are in
memory. Each actor is an instance of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from prometheus_client import REGISTRY
from pymongo.errors import PyMongoError

from quickpoll.auth.caller import Caller
from quickpoll.counting.tally import Tally, parse_state
from quickpoll.errors import PollNotFound, QuickPollError
from quickpoll.foundation.concurrency.time_limits import (
    DRAIN_SECONDS,
    EXACT_SECONDS,
    LOOK_SECONDS,
    MARK_SECONDS,
)
from quickpoll.foundation.stores.redis import RedisAway
from quickpoll.likes.rules import Act
from quickpoll.polls.models import Option, Poll
from quickpoll.results.poll_view import tally_revision, view_without_ballot
from tests.model.explorer import Action, Outcome, Stage, StillLoop, actor
from tests.model.judging import Judge, Person, Shown
from tests.model.members import Member, ModelTime, keys
from tests.model.memory_mongo import MemoryMongo
from tests.model.memory_redis import MemoryRedis, start_ms
from tests.model.state_key import digest, normal

NAP_SECONDS = MARK_SECONDS + 0.1
DOZE_SECONDS = DRAIN_SECONDS + 0.1

OWNER = "0e" * 12
polls = {"p": "5f" * 12, "q": "6f" * 12}
options = {name: f"{name}0" * 12 for name in "abc"}
users = {name: f"{name[1]}e" * 12 for name in ("u1", "u2", "u3", "u4")}
ids = {one: name for of in (polls, options, users) for name, one in of.items()}

FEW_STEPS = frozenset({"vote.insert_many", "vote.bulk_write", "vote.count_documents"})


@dataclass(frozen=True)
class Scenario:
    """Who takes part, and how many blows there may be."""

    actors: Mapping[str, str]
    """What each does: words like ``vote u1 a``, one after the other where ``;`` stands between
    them, together where ``+`` does."""
    steps: frozenset[str] = FEW_STEPS
    """Operations of MongoDB that wait for a turn."""
    mortal: tuple[str, ...] = ("one", "recount")
    crashes: int = 0
    flushes: int = 0
    restarts: int = 0
    naps: int = 0
    dozes: int = 0
    """Times in which everybody sleeps: past the deadline of a mark, or until a recount waits no
    longer for the batches in flight."""
    sends: int = 0
    """Writes whose answer is not heard, and which land at any time, or never."""
    breaks: int = 0
    """Connections that break between a script and its answer: the script runs again."""
    cuts: int = 0
    """Instances that lose Redis for a while."""
    cut: tuple[str, ...] = ("one",)
    """Those who may."""
    late: bool = False
    """A write that was sent in time is answered late."""
    recounts: bool = False
    """A batch that finds its counts missing has them recounted at once, not by somebody later."""
    changeable: bool = False
    voted_on: bool = True


class CountingPlay:
    """Several instances over one poll (or two)."""

    def __init__(
        self, scenario: Scenario, loop: StillLoop, changed: Mapping[str, str] | None = None
    ) -> None:
        """``changed``: other sources for scripts, to see whether the play would notice."""
        self.scenario = scenario
        self.loop = loop
        self.stage = Stage(loop, {"mark", "close_barrier"})
        self.redis = MemoryRedis(changed)
        self.mongo = MemoryMongo(self.stage, scenario.steps, late=scenario.late)
        self.judges = {poll_id: Judge(poll_id) for poll_id in polls.values()}
        self.blows: Counter[str] = Counter()
        self.members: dict[str, Member] = {}
        self.done: dict[str, list[str]] = {}
        self.resting = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def in_play(self) -> list[str]:
        """The polls that anything is done to."""
        words = " ".join(self.scenario.actors.values()).split()
        return [polls["p"]] + ([polls["q"]] if "q" in words else [])

    @property
    def _options(self) -> list[str]:
        words = " ".join(self.scenario.actors.values()).split()
        return [one for name, one in options.items() if name in words]

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

    async def _act(self, name: str, words: str) -> None:
        for act in words.split(";"):
            together = [one.split() for one in act.split("+")]
            await asyncio.gather(*[self._do(self.members[name], one) for one in together])

    async def _do(self, member: Member, words: list[str]) -> None:
        verb, *more = words
        try:
            await self._verbs[verb](self, member, *more)
            said = "done"
        except (QuickPollError, RedisAway, PyMongoError) as error:
            said = type(error).__name__
        self.done.setdefault(member.name, []).append(f"{verb} {said}")

    async def _vote(self, member: Member, user: str, option: str, poll: str = "p") -> None:
        poll_id, choice = polls[poll], (options[option],)
        await self._for(
            ("vote", poll_id, users[user]),
            member.casting.cast(users[user], poll_id, choice),
            choice,
        )

    async def _retract(self, member: Member, user: str, poll: str = "p") -> None:
        poll_id = polls[poll]
        await self._for(
            ("vote", poll_id, users[user]), member.casting.retract(users[user], poll_id), ()
        )

    async def _like(self, member: Member, user: str, poll: str = "p") -> None:
        poll_id = polls[poll]
        act = member.liking.act(users[user], poll_id, Act.SET)
        await self._for(("like", poll_id, users[user]), act, ("liked",))

    async def _unlike(self, member: Member, user: str, poll: str = "p") -> None:
        poll_id = polls[poll]
        act = member.liking.act(users[user], poll_id, Act.UNSET)
        await self._for(("like", poll_id, users[user]), act, ())

    async def _for(self, person: Person, act: Awaitable[Any], choice: tuple[str, ...]) -> None:
        judge = self.judges[person[1]]
        judge.begins(person)
        try:
            await act
        except Exception:
            judge.ends(person, None)
            raise
        await self.stage.alive()
        self._look_at_documents()
        judge.ends(person, choice)

    async def _close(self, member: Member) -> None:
        await member.changes.close(Caller(OWNER), polls["p"])
        await self.stage.alive()
        self._look_at_documents()
        judge = self.judges[polls["p"]]
        judge.closed = judge.standing()

    async def _reopen(self, member: Member) -> None:
        self.judges[polls["p"]].closed = None
        await member.changes.reopen(Caller(OWNER), polls["p"])

    async def _recount(self, member: Member) -> None:
        await member.rebuilder.recount(polls["p"])

    async def _read(self, member: Member) -> None:
        poll_id = polls["p"]
        judge = self.judges[poll_id]
        since = judge.acknowledged()
        tally = await member.reader.read_one(poll_id)
        if tally is None:
            raise PollNotFound
        known = await member.polls.current({poll_id: tally_revision(tally)})
        sight = view_without_ballot(known[poll_id], tally, ModelTime.now(UTC), open_to=True)
        await self.stage.alive()
        self._look_at_documents()
        state = sight.status, known[poll_id].poll.revision
        shown = Shown(sight.version, tally.options, tally.voters, tally.likes, state)
        judge.check(shown, since)

    _verbs: Mapping[str, Callable[..., Awaitable[None]]] = {
        "vote": _vote,
        "retract": _retract,
        "like": _like,
        "unlike": _unlike,
        "close": _close,
        "reopen": _reopen,
        "recount": _recount,
        "read": _read,
    }

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

    def look(self) -> Hashable:
        """Check what must hold in every state."""
        self._judge()
        return self._key()

    def _judge(self) -> None:
        self._look_at_documents()
        for poll_id in self.in_play:
            self.judges[poll_id].check_records()
            tally = self._trusted(poll_id)
            if tally is not None:
                self._check(poll_id, tally)

    def _look_at_documents(self) -> None:
        for vote in self.mongo["vote"].documents:
            poll_id, user = str(vote["pollId"]), str(vote["userId"])
            self.judges[poll_id].saw(("vote", poll_id, user), tuple(map(str, vote["optionIds"])))
        for like in self.mongo["like"].documents:
            poll_id, user = str(like["pollId"]), str(like["userId"])
            choice = ("liked",) if like["liked"] else ()
            self.judges[poll_id].saw(("like", poll_id, user), choice)

    def _trusted(self, poll_id: str) -> Tally | None:
        if any(str(note["pollId"]) == poll_id for note in self.mongo["uncounted"].documents):
            return None
        return parse_state(self.redis.call("GET", keys.state(poll_id)), self.redis.run_id)

    def _check(self, poll_id: str, tally: Tally) -> None:
        self.judges[poll_id].check(Shown(tally.version, tally.options, tally.voters, tally.likes))

    def _key(self) -> Hashable:
        text = json.dumps(
            [
                [digest(self.redis.strings), self.redis.hashes, self.redis.run_id],
                [[judge.text() for judge in self.judges.values()], sorted(self.blows.items())],
                [sorted((who, what) for who, (what, *_) in self.stage.waiting.items())],
                [self.stage.heard(), sorted(self.stage.crashed), self.done],
                [member.memory() for member in self.members.values()],
                [[name for name, _ in self.mongo.wire], self._documents(), self.resting],
            ],
            sort_keys=True,
            default=str,
        )
        return normal(text, self.redis.now_ms, ids)

    def _documents(self) -> list[Any]:
        names = ("poll", "vote", "like", "uncounted", "direct_count")
        return [digest(self.mongo[name].documents) for name in names]

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

    def _exact(self) -> bool:
        self._look_at_documents()
        return all(map(self._exact_one, self.in_play))

    def _exact_one(self, poll_id: str) -> bool:
        truth, voters, likes = self.judges[poll_id].truth()
        tally = self._trusted(poll_id)
        if tally is not None:
            self._check(poll_id, tally)
        plain = {one: self.redis.strings.get(keys.option(poll_id, one)) for one in self._options}
        right = plain == {one: str(truth[one]) for one in self._options}
        right = right and self.redis.strings.get(keys.likes(poll_id)) == str(likes)
        same = tally is None or (Counter(tally.options), tally.voters, tally.likes) == (
            truth,
            voters,
            likes,
        )
        return right and same


_plural = {"flush": "flushes", "restart": "restarts", "nap": "naps", "doze": "dozes"}


def _writes(what: str) -> bool:
    writes = "insert_many", "update_one", "bulk_write", "insert_one"
    return what.partition(".")[2].split(" ")[0] in writes


def _drift() -> float | None:
    return REGISTRY.get_sample_value("quickpoll_counter_drift_total")
