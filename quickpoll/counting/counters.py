"""The counts in Redis: marking batches, adding to counts, reading them.

Where Redis is away, writing goes on without it: the polls concerned are noted in MongoDB
(:mod:`.uncounted`) and recounted afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from time import monotonic

import structlog
from pymongo.errors import PyMongoError

from quickpoll.counting.answers import HELD_OFF
from quickpoll.counting.keys import Keys
from quickpoll.counting.scripts import TallyScripts
from quickpoll.counting.tally import Delta, Mark, PollChange, Tally, parse_state
from quickpoll.counting.uncounted import Uncounted
from quickpoll.counting.versions import VersionClock
from quickpoll.foundation.concurrency.batching import Batcher, Entry
from quickpoll.foundation.concurrency.time_limits import (
    NOTES_WAIT_SECONDS,
    SETTLE_SECONDS,
    SPLIT_SECONDS,
)
from quickpoll.foundation.stores.mongo import deadline
from quickpoll.foundation.stores.redis import RedisAway, RedisLink

log = structlog.get_logger(__name__)

State = Mapping[str, Tally | None]


@dataclass(slots=True)
class Writing:
    """A batch in flight: its marks, and what is known of the polls that it touches.

    ``revisions`` has the current revision of each poll that may be written to, 0 where the poll
    must be read from MongoDB; ``held`` are polls that are being recounted: their writes must wait.
    ``deadline`` is that of the marks in Redis, by which they are known.
    """

    token: str
    marks: dict[str, Mark]
    revisions: dict[str, int]
    held: set[str] = field(default_factory=set)
    in_redis: bool = True
    deadline: int = 0


class Counters:
    """Reads and changes the counts of polls."""

    def __init__(
        self, link: RedisLink, keys: Keys, uncounted: Uncounted, clock: VersionClock | None = None
    ) -> None:
        self.link = link
        self.keys = keys
        self.scripts = TallyScripts(link, keys)
        self.clock = clock or VersionClock()
        self.uncounted = uncounted
        self._missed: set[str] = set()  # polls whose counts Redis must give up
        self._told: dict[str, float] = {}  # {poll id: when this Redis heard of it, oldest first}
        self._run = ""  # of the Redis that heard
        self._reads: Batcher[tuple[str, ...], State] = Batcher(
            "counts", self._read_batch, capacity=100_000
        )

    def start(self) -> None:
        """Start reading."""
        self.link.on_return(self.adjust_clock)
        self._reads.start()

    async def aclose(self) -> None:
        """Answer the reads that wait, then end."""
        await self._reads.aclose()

    async def adjust_clock(self) -> None:
        """Ask Redis for the time. Raises :class:`~quickpoll.foundation.stores.redis.RedisAway`."""
        seconds, microseconds = await self.link.call("TIME")
        # The link answers for the run that it has now, and not for the one before.
        self.clock.adjust(self.link.run_id, int(seconds), int(microseconds))

    async def begin(self, marks: Mapping[str, Mark], *, pass_barriers: bool = False) -> Writing:
        """Mark a batch of writes; it must reach :meth:`finish`. Raises a MongoDB error where
        neither Redis nor MongoDB can be told."""
        token, wanted = token_hex(8), dict(marks)
        doubtful = self._doubtful(wanted)
        try:
            marked = await self.scripts.mark(token, wanted, pass_barriers=pass_barriers)
        except RedisAway:
            await self.uncounted.note(token, wanted)
            return Writing(token, wanted, dict.fromkeys(wanted, 0), in_redis=False)
        held = {i for i, revision in marked.revisions.items() if revision == HELD_OFF}
        revisions = {
            i: 0 if i in doubtful else revision
            for i, revision in marked.revisions.items()
            if i not in held
        }
        marks = {i: wanted[i] for i in revisions}
        return Writing(token, marks, revisions, held, deadline=marked.deadline)

    async def finish(
        self,
        writing: Writing,
        deltas: Mapping[str, Delta],
        unsure: Iterable[str] = (),
        found: Collection[str] = (),
    ) -> set[str]:
        """Add what a batch of ballots or likes changed, and end its marks.

        ``unsure`` names polls where a write may or may not stand, now or a little later: their
        marks stay, until somebody has fenced those writes. ``found`` names polls of which it has
        read what stood before: that may be of a batch that is in flight, and where Redis cannot say
        it is missed like what the batch has changed. Answers the polls to be recounted now.
        """
        touched, doubtful = list(writing.marks), set(unsure)
        if not touched:
            return set()
        if writing.in_redis:
            token, until, run = writing.token, writing.deadline, self.link.run_id
            try:
                recount = await self.scripts.apply(token, touched, deltas, doubtful, until, found)
                self._remember_told(deltas, run)
                return recount
            except RedisAway:
                pass  # the marks stand, so a recount comes; until then others must not trust these
        await self.miss(writing, {*deltas, *found}, doubtful)
        return set()

    async def doubted(self, writing: Writing, found: Iterable[str]) -> set[str]:
        """Those of the polls ``found`` whose counts may lack what was found there: of which no word
        of Redis is taken, or that somebody writes to without it."""
        wanted = set(found)
        unsaid = {i for i in wanted if writing.revisions.get(i) == 0}
        return unsaid | await self._may_be_noted(wanted - unsaid)

    async def may_lack(self, poll_id: str, user_id: str) -> bool:
        """Whether what stands of a user on a poll may not be counted yet.

        Raises :class:`~quickpoll.foundation.stores.redis.RedisAway`.
        """
        found = await self.scripts.in_flight(poll_id, user_id)
        if found.left or found.unmarked_seconds != 0:
            return True
        return bool(await self._may_be_noted({poll_id}))

    async def _may_be_noted(self, poll_ids: set[str]) -> set[str]:
        """Those of the polls that have a note, whatever was last seen of that; all of them where
        MongoDB does not say."""
        try:
            with deadline(SETTLE_SECONDS):
                return await self.uncounted.noted_now(poll_ids)
        except PyMongoError:
            return poll_ids

    async def miss(self, writing: Writing, changed: Iterable[str], unsure: Iterable[str]) -> None:
        """Redis lacks what a batch changed: every instance knows that before anybody hears that
        the batch is written. Never fails: MongoDB has it already."""
        missed, doubtful = set(changed), set(unsure)
        try:
            if writing.in_redis:
                concerned = {i: m for i, m in writing.marks.items() if i in missed | doubtful}
                await self.uncounted.note(writing.token, concerned)
            else:
                concerned = writing.marks
            await self.uncounted.ended(writing.token, concerned, doubtful)
        except PyMongoError as error:
            # What this instance knows, it knows; the marks or the note of others still ripen.
            log.warning("uncounted_not_noted", error=type(error).__name__)
        try:
            await self.scripts.give_up(sorted(missed | doubtful))  # it may be back
        except RedisAway:
            self._missed |= missed | doubtful
            await self.uncounted.known(missed)

    async def create(
        self, writing: Writing, poll_id: str, option_ids: list[str], revision: int
    ) -> None:
        """Start the counts of a new poll at nothing, unless it was voted on already; announce it.

        Raises :class:`~quickpoll.foundation.stores.redis.RedisAway`.
        """
        token, until, floor = writing.token, writing.deadline, self.clock.now()
        await self.scripts.create(token, poll_id, option_ids, revision, floor, until)

    async def announce(self, writing: Writing, poll_id: str, change: PollChange) -> bool:
        """End the mark of a change of the poll and tell everybody; answers false where a recount
        must follow. Raises :class:`~quickpoll.foundation.stores.redis.RedisAway`."""
        run = self.link.run_id
        told = await self.scripts.announce(writing.token, poll_id, change, self.clock.now())
        self._remember_told([poll_id], run)
        return told

    async def give_up_missed(self) -> None:
        """Declare incomplete what this instance could not tell Redis.

        Raises :class:`~quickpoll.foundation.stores.redis.RedisAway`; then it is still to be told.
        """
        missed, self._missed = self._missed, set()
        try:
            await self.scripts.give_up(sorted(missed))
        except BaseException:
            self._missed |= missed
            raise

    def miss_what_another_heard(self) -> None:
        """Where another Redis has taken over, it may lack all that only the one before has
        heard."""
        if self._run != self.link.run_id:
            self._run = self.link.run_id
            self._missed |= self._told.keys()
            self._told.clear()

    def _remember_told(self, poll_ids: Iterable[str], run: str) -> None:
        """This Redis has heard of them, or the one before has, whose answer came late."""
        if run != self.link.run_id:
            self._missed.update(poll_ids)
            return
        now = monotonic()
        for poll_id in poll_ids:
            self._told.pop(poll_id, None)
            self._told[poll_id] = now
        while (oldest := next(iter(self._told), "")) and self._told[oldest] < now - SPLIT_SECONDS:
            del self._told[oldest]

    def remember_missed(self, poll_ids: Iterable[str]) -> None:
        """Polls whose counts Redis must give up before anybody trusts it."""
        self._missed.update(poll_ids)

    async def read(self, poll_ids: Iterable[str]) -> State:
        """The counts of polls, ``None`` where Redis has none that can be trusted.

        Requests that arrive together share one ``MGET``, and each gets a reading that began
        after it asked. Raises a MongoDB error (see :meth:`noted_by_now`).
        """
        wanted = tuple(poll_ids)
        return await self._reads.submit(wanted) if wanted else {}

    async def _read_batch(self, batch: list[Entry[tuple[str, ...], State]]) -> None:
        wanted = list(dict.fromkeys(i for entry in batch for i in entry.item))
        tallies: State = {}
        noted = await self.noted_by_now(wanted)
        try:
            raw = await self.link.ask("MGET", *map(self.keys.state, wanted))
            tallies = {
                i: parse_state(one, self.link.run_id) if i not in noted else None
                for i, one in zip(wanted, raw, strict=True)
            }
        except RedisAway:
            tallies = dict.fromkeys(wanted)
        for entry in batch:
            entry.resolve(tallies)

    def _doubtful(self, poll_ids: Iterable[str]) -> set[str]:
        """Polls of which no word of Redis is taken for what they are."""
        return set(poll_ids) if self.uncounted.stale else self._noted(poll_ids)

    async def noted_by_now(self, poll_ids: Collection[str]) -> set[str]:
        """Polls that are written to without Redis: all that is to be known of them by now, whatever
        this instance could see of late. All, where it could not look and has no Redis itself.

        Raises a MongoDB error: where it does not say, nobody knows what counts may lack.
        """
        if not self.uncounted.stale:
            return self._noted(poll_ids)
        if not self.link.available:
            return set(poll_ids)
        with deadline(NOTES_WAIT_SECONDS):
            return await self.uncounted.noted_now(poll_ids)

    def _noted(self, poll_ids: Iterable[str]) -> set[str]:
        """Polls that are written to without Redis. To be asked before Redis is: its answer may be
        from before it gave the counts up, and reach us when the note is settled and gone."""
        return {i for i in poll_ids if self.uncounted.is_noted(i)}
