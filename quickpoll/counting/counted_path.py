"""The counted path: every write that changes what a poll shows goes through here.

Invariants:

- Marked, then written, then counted and announced, then acknowledged. The order is the promise:
  what is acknowledged is in MongoDB, and what is in MongoDB but not in the counts has left a mark.
- What has begun comes to its end: it runs in a task of its own, which no cancelled request, time
  limit or hang-up of a client ends. Only the death of the process does, and the mark survives it.
- Nothing is sent to MongoDB that may outlive its mark: the writes of a batch share one time limit.
- What goes wrong after the write never fails the write: the poll is recounted instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from time import monotonic
from typing import Any, TypeVar

from pymongo.errors import PyMongoError

from quickpoll.counting.counters import Counters, Writing
from quickpoll.counting.events import EventKind, PollEvent, PollEvents
from quickpoll.counting.tally import Delta, Fences, Mark, MarkKind, PollChange
from quickpoll.errors import QuickPollError, Unavailable
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.concurrency.time_limits import (
    LOOK_SECONDS,
    MARGIN_SECONDS,
    MARK_SECONDS,
    OPERATION_SECONDS,
    SETTLE_SECONDS,
)
from quickpoll.foundation.stores.mongo import deadline
from quickpoll.foundation.stores.redis import RedisAway

Result = TypeVar("Result")


@dataclass(slots=True)
class Written:
    """What has become of a batch so far: filled in as it is written, so that what was done before
    a failure counts."""

    deltas: dict[str, Delta] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    """Polls of which something was read that was stored before: it may not be counted yet."""

    def delta(self, poll_id: str) -> Delta:
        """What the batch adds to the counts of a poll."""
        return self.deltas.setdefault(poll_id, Delta())


class Removal(Enum):
    """What became of the deletion of a poll: it is gone, and Redis was told or could not be; or it
    was changed since it was to be deleted, and lives."""

    TOLD = "told"
    UNTOLD = "untold"
    VOID = "void"


class CountedPath:
    """Carries out batches of ballots or likes, and changes of polls."""

    def __init__(
        self,
        counters: Counters,
        events: PollEvents,
        fences: Fences,
        recount: Callable[[Iterable[str]], None],
    ) -> None:
        self._counters = counters
        self._events = events
        self._fences = fences
        self._recount = recount
        self._tasks: set[asyncio.Task[Any]] = set()
        self._doubts: dict[str, dict[str, Mark]] = {}  # {token: marks of writes in doubt, by poll}
        self._loop = Periodic("doubts", LOOK_SECONDS, self.settle_doubts)

    def start(self) -> None:
        """Start to settle doubts; what else is to be done comes by itself."""
        self._loop.start()

    async def aclose(self) -> None:
        """Wait for what has begun. Doubts that are left have their marks."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._loop.aclose()

    async def whole(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The outcome of ``work``, which comes to its end even if its caller is cancelled."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have left; then nobody else asks for it

    async def write_batch(
        self,
        marks: Mapping[str, Mark],
        write: Callable[[Writing, Written], Awaitable[None]],
        *,
        pass_barriers: bool = False,
    ) -> tuple[Writing, Exception | None]:
        """Mark, let ``write`` write (not to the polls that are held), count.

        Answers what was marked, and what ``write`` or the lack of time raised. Raises where
        nothing could be marked, and then nothing was written.
        """
        began = monotonic()
        writing = await self._counters.begin(marks, pass_barriers=pass_barriers)
        written = Written()
        failure: Exception | None = None
        try:
            with deadline(time_left(began)):
                await write(writing, written)
        except Exception as error:
            failure = error
        # Also after a failure: what was written is counted, and the mark must not outlive it.
        if written.unsure:
            self._doubt(writing, written.unsure)
        if written.found and writing.in_redis:  # else it ends when everybody must know its note
            await self._distrust(writing, written.found)
        due = await self._counters.finish(writing, written.deltas, written.unsure, written.found)
        if not writing.in_redis:
            self._publish_here(written.deltas)
        self._recount(due)
        return writing, failure

    async def distrust(self, poll_ids: Iterable[str]) -> None:
        """Something of these polls may stand that nobody has counted: they are counted anew."""
        doubted = sorted(poll_ids)
        try:
            await self._counters.scripts.give_up(doubted)
        except RedisAway:
            self._counters.remember_missed(doubted)  # told before anything else is
        self._recount(doubted)

    async def acknowledge(self, poll_id: str, user_id: str) -> None:
        """What stands of a user is acknowledged: where counts may lack it, by a batch that finds it
        and writes nothing, so that nobody trusts them. Raises a MongoDB error."""
        with suppress(RedisAway):
            if not await self._counters.may_lack(poll_id, user_id):
                return

        async def find(writing: Writing, written: Written) -> None:
            written.found.add(poll_id)

        marks = {poll_id: Mark(MarkKind.VOTES, (user_id,))}
        _, failure = await self.whole(self.write_batch(marks, find, pass_barriers=True))
        if failure is not None:
            raise failure

    async def _distrust(self, writing: Writing, found: Collection[str]) -> None:
        """What this batch has found stored may be of a batch whose outcome nobody has heard, and is
        acknowledged by this one: nobody may trust counts that lack it."""
        doubted = await self._counters.doubted(writing, found)
        try:
            await self._counters.scripts.give_up(sorted(doubted))
        except RedisAway:
            await self._counters.miss(writing, doubted, ())
        self._recount(doubted)

    def _doubt(self, writing: Writing, poll_ids: Iterable[str]) -> None:
        self._doubts[writing.token] = {i: writing.marks[i] for i in poll_ids if i in writing.marks}

    async def settle_doubts(self) -> None:
        """Fence what this instance has sent and nobody has answered, as soon as MongoDB does.

        Others would do so past the deadline of its mark, but a mark can be lost. Raises a MongoDB
        error; then it is tried again.
        """
        for token, marks in list(self._doubts.items()):
            with suppress(RedisAway):  # until then nobody may take the counts for settled
                await self._counters.scripts.mark(token, marks, pass_barriers=True)
            for poll_id, mark in marks.items():
                await self._fences.fence(poll_id, mark)
            del self._doubts[token]
            with suppress(RedisAway):
                await self._counters.scripts.give_up(sorted(marks))
                await self._counters.scripts.apply(token, list(marks), {}, ())
            self._recount(marks)

    async def change_poll(
        self, poll_id: str, change: Callable[[], Awaitable[tuple[PollChange, Result]]]
    ) -> Result:
        """Mark, let ``change`` write to the poll itself, announce.

        ``change`` answers what is to be announced and the result. Where it raises an error of
        ours, it has written nothing; where it raises anything else, nobody knows: the mark stays
        until that write is fenced. To be run by :meth:`whole`.
        """
        began = monotonic()
        writing = await self._counters.begin({poll_id: Mark(MarkKind.CHANGE)}, pass_barriers=True)
        try:
            with deadline(time_left(began)):
                said, result = await change()
        except QuickPollError:
            await self._announce(writing, poll_id, PollChange())
            raise
        except PyMongoError:
            self._doubt(writing, [poll_id])
            raise
        await self._announce(writing, poll_id, said)
        return result

    async def create_poll(
        self,
        poll_id: str,
        option_ids: list[str],
        revision: int,
        insert: Callable[[], Awaitable[bool]],
    ) -> bool:
        """Mark, let ``insert`` write a new poll (or answer that it is there), start its counts at
        nothing, announce it; answers whether it was not there.

        One that was there may have been voted on, and is not started again. Marked before anybody
        can see it: a vote on it that is counted before its counts were started must not be lost by
        starting them. To be run by :meth:`whole`.
        """
        began = monotonic()
        writing = await self._counters.begin({poll_id: Mark(MarkKind.CHANGE)}, pass_barriers=True)
        with deadline(time_left(began)):
            is_new = await insert()
        if not is_new:
            change = PollChange("created", revision, tuple(option_ids), repeated=True)
            await self._announce(writing, poll_id, change)
            return False
        if writing.in_redis:
            try:
                await self._counters.create(writing, poll_id, option_ids, revision)
                return True
            except RedisAway:
                pass
        await self._missed_change(writing, poll_id, "created")
        return True

    async def delete_poll(
        self,
        poll_id: str,
        option_ids: list[str],
        delete: Callable[[], Awaitable[bool]],
        *,
        public: bool,
    ) -> Removal:
        """Mark, let ``delete`` delete a poll with all that belongs to it (or answer that it lives),
        forget its counts, announce it. To be run by :meth:`whole`."""
        writing = await self._counters.begin({poll_id: Mark(MarkKind.CHANGE)}, pass_barriers=True)
        if not await delete():
            await self._announce(writing, poll_id, PollChange())
            return Removal.VOID
        try:
            await self._counters.scripts.remove(poll_id, option_ids, public=public)
        except RedisAway:
            await self._missed_change(writing, poll_id, "deleted", public=public)
            return Removal.UNTOLD
        return Removal.TOLD

    async def _announce(self, writing: Writing, poll_id: str, change: PollChange) -> None:
        if writing.in_redis:
            with suppress(RedisAway):
                if not await self._counters.announce(writing, poll_id, change):
                    self._recount([poll_id])
                return
        await self._missed_change(writing, poll_id, change.name)

    async def _missed_change(
        self, writing: Writing, poll_id: str, name: str, *, public: bool | None = None
    ) -> None:
        """Redis lacks a change of the poll: others go by MongoDB as soon as they know the note."""
        await self._counters.miss(writing, [poll_id] if name else [], ())
        if name:
            now = self._counters.clock.now()
            self._events.publish_here(PollEvent(EventKind.POLL, poll_id, now, name, public))

    def _publish_here(self, deltas: Mapping[str, Delta]) -> None:
        """While Redis is away, the screens of this instance at least stay live."""
        for poll_id, delta in deltas.items():
            kind = EventKind.LIKES if delta.likes else EventKind.VOTES
            self._events.publish_here(PollEvent(kind, poll_id, self._counters.clock.now()))


def time_left(began: float) -> float:
    """Seconds until the writes must have ended, so that none outlives the mark of its batch.

    Raises :class:`~quickpoll.errors.Unavailable` where this process was held up for too long.
    """
    left = MARK_SECONDS - (monotonic() - began) - SETTLE_SECONDS - MARGIN_SECONDS
    if left < MARGIN_SECONDS:
        raise Unavailable
    return min(left, OPERATION_SECONDS)
