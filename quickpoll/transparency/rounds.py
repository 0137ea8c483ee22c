"""The rounds of the sequencer: which polls have something to be logged, once a second.

One instance at a time looks, by a lease. Whoever has just changed a poll does not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from time import monotonic

import structlog
from pymongo.errors import PyMongoError

from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.cancellation import cancel
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.observability.once import Once
from quickpoll.foundation.stores.lease import Lease
from quickpoll.foundation.stores.mongo import is_outage
from quickpoll.polls.models import Poll
from quickpoll.polls.store import PollStore
from quickpoll.transparency.heads import Forgotten
from quickpoll.transparency.sequencer import NoSigner, Sequencer
from quickpoll.transparency.waiting import WaitingBallots

log = structlog.get_logger(__name__)

ROUND_SECONDS = 0.8
"""Between two rounds. Entries are to be published within ten seconds, whatever dies meanwhile: a
lease that has to run out, a close that has to become final, a wait for company."""

FEW = 4
COMPANY_SECONDS = 2.0
"""Fewer ballots than :data:`FEW` wait so long for others, among whom they are shuffled."""

REST_SECONDS = 1.0
"""A log rests so long after a step, which costs some ten round trips, however few its ballots."""

POLLS_AT_ONCE = 8
MOST_POLLS = 1000
"""Polls of one round; the next one begins after the last of them."""


class SequencerRounds:
    """Finds the polls that have something to be logged, and has it logged.

    With ``on`` false (the service has no key) there are no logs, and nothing is looked for.
    """

    def __init__(
        self,
        sequencer: Sequencer,
        lease: Lease,
        polls: PollStore,
        waiting: WaitingBallots,
        *,
        newest_key: str,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.newest_key = newest_key
        self._sequencer = sequencer
        self._lease = lease
        self._polls = polls
        self._waiting = waiting
        self._clock = clock
        self._slots = asyncio.Semaphore(POLLS_AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._few_since: dict[str, float] = {}
        self._rests_until: dict[str, float] = {}
        self._after = ""
        self._once = Once()
        self._loop = Periodic("sequencer", ROUND_SECONDS, self.round)

    def start(self) -> None:
        """Start the rounds, where there are logs to write."""
        if self.newest_key:
            self._loop.start()

    async def aclose(self) -> None:
        """Stop; a step that was begun is ended by another instance, or by the next start."""
        await self._loop.aclose()
        await cancel(*self._tasks.values())
        if self.newest_key:
            await self._leave()

    async def round(self) -> None:
        """Look once, where this instance has the lease."""
        if await self._lease.hold():
            due = await self._polls.with_logs_due(MOST_POLLS)
            waiting = [poll_id async for poll_id in self._with_ballots()]
            for poll_id in dict.fromkeys([*due, *waiting]):
                self._spawn(poll_id, at_once=poll_id in due)

    async def _with_ballots(self) -> AsyncIterator[str]:
        for _ in range(MOST_POLLS):
            poll_id = await self._waiting.next_poll(self._after)
            self._after = poll_id or ""
            if poll_id is None:
                return
            yield poll_id

    async def keep_up(self, poll_id: str, *, with_ballots: bool = False) -> None:
        """Publish what was changed about a poll (and, where asked for, what its ballots bring).

        Raises errors of MongoDB and :class:`~quickpoll.errors.Unavailable`; it is done later then.
        """
        try:
            await self._sequencer.keep_up(poll_id, with_ballots=with_ballots)
        except (NoSigner, Forgotten) as error:
            self._tell(poll_id, error)
            raise Unavailable("The log of this poll cannot be signed.") from error

    def soon(self, poll_id: str) -> None:
        """The same with all that waits, in the background."""
        self._spawn(poll_id, at_once=True)

    async def has_logged(self, poll: Poll) -> bool:
        """Whether the log has each close and each reopening of the poll as it is here."""
        return await self._sequencer.has_logged(poll)

    async def delete_all(self, poll_id: str) -> None:
        """Delete the log of a poll."""
        await self._sequencer.delete_all(poll_id)

    def _spawn(self, poll_id: str, *, at_once: bool) -> None:
        if poll_id not in self._tasks:
            task = asyncio.create_task(self._tend(poll_id, at_once=at_once), name=f"log-{poll_id}")
            self._tasks[poll_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(poll_id, None))

    async def _tend(self, poll_id: str, *, at_once: bool) -> None:
        try:
            async with self._slots:
                if at_once or not await self._waits_for_company(poll_id):
                    self._few_since.pop(poll_id, None)
                    await self._sequencer.keep_up(poll_id, with_ballots=True)
                    self._rest(poll_id)
        except Exception as error:
            self._tell(poll_id, error)
            if isinstance(error, NoSigner):
                await self._leave()  # to an instance that may have the key

    async def _leave(self) -> None:
        with suppress(PyMongoError):
            await self._lease.leave()

    async def _waits_for_company(self, poll_id: str) -> bool:
        """Whether the log rests, or so few ballots wait that others should come first."""
        if len(self._few_since) > MOST_POLLS:
            self._few_since.clear()
        now = self._clock()
        since = self._few_since.setdefault(poll_id, now)
        if now < self._rests_until.get(poll_id, now):
            return True
        if now - since >= COMPANY_SECONDS:
            return False
        return len(await self._waiting.to_be_published(poll_id, FEW)) < FEW

    def _rest(self, poll_id: str) -> None:
        if len(self._rests_until) > MOST_POLLS:
            self._rests_until.clear()
        self._rests_until[poll_id] = self._clock() + REST_SECONDS

    def _tell(self, poll_id: str, error: Exception) -> None:
        """That a store is away, or a close not final yet, is no news: it is tried again."""
        if isinstance(error, Unavailable) or is_outage(error):
            return
        kind = type(error).__name__
        if self._once.say((poll_id, kind)) is not None:
            if isinstance(error, NoSigner | Forgotten):
                log.error("log_not_signed", poll_id=poll_id, reason=(error.__doc__ or kind))
            else:
                log.error("log_not_written", poll_id=poll_id, exc_info=error)
