"""An instance in miniature: every part is the product's, but the wires to its two stores."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, copy_context
from datetime import UTC, datetime, tzinfo
from typing import Any, cast
from unittest import mock

import structlog

from quickpoll.auth.doors import Doors
from quickpoll.counting import counted_path, counters, holding, lua, lua_repair
from quickpoll.counting.counted_path import CountedPath
from quickpoll.counting.counters import Counters
from quickpoll.counting.direct import DirectCounts
from quickpoll.counting.events import PollEvents
from quickpoll.counting.keys import Keys
from quickpoll.counting.reading import TallyReader
from quickpoll.counting.uncounted import Uncounted
from quickpoll.counting.versions import VersionClock
from quickpoll.foundation.stores import bulk_writes
from quickpoll.foundation.stores.redis import Call, RedisAway, RedisLink, Script
from quickpoll.guests.store import InviteStore
from quickpoll.idempotency.store import ClaimStore
from quickpoll.likes.liking import Liking
from quickpoll.likes.store import LikeStore
from quickpoll.management import changes, models
from quickpoll.management import store as management_store
from quickpoll.management.changes import PollChanges
from quickpoll.management.deletion import PollDeletion
from quickpoll.management.store import DeletionStore, HistoryStore
from quickpoll.polls.creation import PollCreation
from quickpoll.polls.entry import PollEntry
from quickpoll.polls.rules import Offers
from quickpoll.polls.store import PollStore
from quickpoll.repair import barrier, rebuild, reconcile
from quickpoll.repair.finality import Finality
from quickpoll.repair.rebuild import Rebuilder
from quickpoll.repair.reconcile import Reconciler
from quickpoll.repair.restored import RestoreWatch
from quickpoll.results.census import MongoCensus
from quickpoll.results.fences import MongoFences
from quickpoll.votes import casting
from quickpoll.votes.casting import Casting
from quickpoll.votes.store import VoteStore
from tests.model.explorer import Outcome, Stage, actor
from tests.model.memory_mongo import MemoryMongo, limit, time_limit
from tests.model.memory_redis import MemoryRedis, start_ms
from tests.model.state_key import digest

keys = Keys()

names: dict[str, str] = {
    one.sha: name.lower()
    for module in (lua, lua_repair)
    for name, one in vars(module).items()
    if isinstance(one, Script)
}

at_once = {"look_at", "looked_at", "EXPIRE", "TIME", "SCAN", "ZREM"}
"""What nobody in these plays goes by: it happens without a turn of its own."""

members_made = 0


def model_time() -> float:
    """Seconds, on the clock of the loop: it moves only when the play moves it."""
    return asyncio.get_running_loop().time()


class ModelTime(datetime):
    """The wall clock, which goes by the loop's."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The time."""
        return datetime.fromtimestamp(start_ms / 1000 + model_time(), tz or UTC)


class Tokens:
    """Names for batches and barriers: who made them, and a number."""

    def __init__(self) -> None:
        self._made = 0

    def __call__(self, _: int) -> str:
        self._made += 1
        return f"<{actor.get()}.{self._made}>"


def timeless_context() -> Context:
    """A context without a time limit, in which it is still known who acts."""
    context = copy_context()
    context.run(limit.set, float("inf"))
    return context


@contextmanager
def pretended_time() -> Iterator[None]:
    """In the ``with`` block the product's clocks are those of the play's loop."""
    tokens = Tokens()
    patches: list[Any] = [
        *[
            mock.patch.object(m, "monotonic", model_time)
            for m in (counted_path, counters, holding, rebuild, reconcile)
        ],
        *[
            mock.patch.object(m, "deadline", time_limit)
            for m in (counted_path, bulk_writes, reconcile)
        ],
        *[mock.patch.object(m, "token_hex", tokens) for m in (counters, barrier)],
        *[
            mock.patch.object(m, "datetime", ModelTime)
            for m in (casting, changes, management_store, models)
        ],
    ]
    patches.append(mock.patch.object(bulk_writes, "Context", timeless_context))
    # Whoever is held off may pass the next time: how long that is, is a matter of speed.
    patches.append(mock.patch.object(holding, "HOLD_SECONDS", 0.0))
    quiet = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        structlog.configure(**quiet)
        for patch in patches:
            patch.stop()


class ModelLink:
    """A :class:`RedisLink` whose every round trip is a step."""

    def __init__(self, stage: Stage, redis: MemoryRedis) -> None:
        self.available = True
        self.returning = False
        self._stage = stage
        self._redis = redis
        self._returned: list[Callable[[], Awaitable[None]]] = []
        self._admitted: asyncio.Task[Any] | None = None

    @property
    def run_id(self) -> str:
        return self._redis.run_id

    def on_return(self, listener: Callable[[], Awaitable[None]]) -> None:
        self._returned.append(listener)

    def require(self, *_: Any) -> None:
        """Every command is allowed here."""

    async def come_back(self) -> None:
        """Redis answers again: first those who must speak first."""
        self._admitted = asyncio.current_task()
        self.returning = True
        try:
            for listener in self._returned:
                await listener()
            self.available = True
        except RedisAway:
            pass
        finally:
            self.returning = False

    async def run(self, script: Script, names_of_keys: Sequence[str], *arguments: Any) -> Any:
        name = names[script.sha]
        redis = self._redis
        barrier_now = redis.call("GET", names_of_keys[0]) if name == "leave_barrier" else ""
        left = barrier_now is None or not f"{barrier_now} ".startswith(f"{arguments[0]} ")
        left = left and name == "leave_barrier"
        return await self._do(name, lambda: redis.run(script, names_of_keys, arguments), left)

    async def run_in_order(self, *calls: Call) -> list[Any]:
        return [await self.run(script, keys, *arguments) for script, keys, arguments in calls]

    async def call(self, *command: Any) -> Any:
        return await self._do(command[0], lambda: self._redis.call(*command))

    ask = call

    async def together(self, commands: Iterable[Sequence[Any]]) -> list[Any]:
        return [await self.call(*command) for command in commands]

    ask_together = together

    async def _do(self, name: str, act: Callable[[], Any], idle: bool = False) -> Any:
        if not (self.available or self._admitted is asyncio.current_task()):
            raise RedisAway
        if idle or name in at_once:
            await self._stage.alive()
            return act()
        tell = _signs if name == "in_flight" else digest
        return await self._stage.step(name, act, _away, tell)


def _signs(answer: list[Any]) -> list[Any]:
    """Of times only whether they have passed."""
    return [one if isinstance(one, str) else one > 0 for one in answer]


def _away(_: Outcome) -> Exception:
    return RedisAway()


class Member:
    """One instance."""

    def __init__(
        self,
        name: str,
        stage: Stage,
        redis: MemoryRedis,
        mongo: MemoryMongo,
        recounts: Callable[[Iterable[str]], None] | None = None,
    ) -> None:
        """``recounts``: what is done where a batch asks for a recount, if not a recount."""
        self.name = name
        self.link = ModelLink(stage, redis)
        link, database, engine = cast(RedisLink, self.link), cast(Any, mongo), cast(Any, mongo)
        self.clock = VersionClock(wall=lambda: start_ms / 1000 + model_time(), elapsed=model_time)
        self.uncounted = Uncounted(name, database, model_time)
        self.counters = Counters(link, keys, self.uncounted, self.clock)
        self.polls, self.votes = PollStore(engine), VoteStore(engine)
        self.likes, history = LikeStore(engine), HistoryStore(engine)
        self.census = MongoCensus(self.polls, self.votes, self.likes)
        self.fences = MongoFences(self.polls, self.votes, self.likes)
        direct = DirectCounts(database, self.census, self.clock)
        self.rebuilder = Rebuilder(self.counters, self.census, self.fences, direct)
        self.reconciler = Reconciler(
            name,
            self.counters,
            self.census,
            self.fences,
            self.rebuilder,
            RestoreWatch(database, self.counters),
            self.polls.recent,
            model_time,
        )
        recount = self.rebuilder.recount
        self.reader = TallyReader(
            self.counters, self.census, direct, recount, self.reconciler.was_read
        )
        events = PollEvents(name, link, keys)
        self.path = CountedPath(
            self.counters, events, self.fences, recounts or self.rebuilder.recount_soon
        )
        self.casting = Casting(self.polls, self.votes, self.path)
        self.liking = Liking(self.polls, self.likes, self.path)
        created = PollCreation(self.polls, self.path)
        self.creation = created
        finality = Finality(self.counters, self.fences, recount)
        invites = InviteStore(engine)
        entry = PollEntry(self.polls, Doors(invites))
        self.changes = PollChanges(
            self.polls, history, created, self.path, finality, Offers(), entry
        )
        deletions, claims = DeletionStore(engine), ClaimStore(engine)
        self.deletion = PollDeletion(
            self.polls, self.votes, self.likes, history, deletions, claims, self.path
        )

    async def start(self) -> None:
        """Ready to take part. Nothing runs by itself but the batches."""
        self.counters.start()
        self.reader.start()
        self.casting.batcher.start()
        self.liking.batcher.start()
        self.link.on_return(self.reconciler.settle_all)
        await self.counters.adjust_clock()
        await self.uncounted.look()

    def memory(self) -> list[Any]:
        """What it goes by besides what its tasks have heard."""
        notes = self.uncounted
        known = self.polls._known.items()
        return [
            sorted((i, one.poll.revision, one.poll.voted_on) for i, one in known),
            sorted(self.counters._missed),
            [sorted(notes._noted), notes.stale, sorted(notes._since), sorted(notes._known)],
            sorted((i, tally.version) for i, tally in self.reader._seen.items()),
            [self.link.available, sorted(self.path._doubts)],
        ]
