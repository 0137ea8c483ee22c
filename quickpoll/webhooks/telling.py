"""The teller: one instance at a time writes down what has happened, as messages that wait.

Invariants:

- Everything of one topic is told by one task at a time, and changes come before the counts that
  were read after them.
- Whatever fails is tried again: what is due is found in MongoDB, not remembered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from bson import ObjectId

from quickpoll.counting.events import EventKind, PollEvent
from quickpoll.foundation.concurrency.cancellation import cancel
from quickpoll.foundation.concurrency.periodic import store_is_away
from quickpoll.foundation.stores.lease import Lease
from quickpoll.polls.store import PollStore
from quickpoll.webhooks.derivation import derive
from quickpoll.webhooks.events import RESULTS
from quickpoll.webhooks.listeners import Listeners
from quickpoll.webhooks.loop import Wakeful
from quickpoll.webhooks.results import Changed, ResultsTeller
from quickpoll.webhooks.streams import StreamStore
from quickpoll.webhooks.walk import Walk

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.25
AGAIN_SECONDS: Final = 0.5
AT_ONCE: Final = 64
WALK_EVERY: Final = 8
"""Rounds between two steps of the walk, when it has nothing to make up for."""


class Teller:
    """Tells what has happened, while this instance holds the lease."""

    def __init__(
        self,
        lease: Lease,
        listeners: Listeners,
        polls: PollStore,
        streams: StreamStore,
        results: ResultsTeller,
        walk: Walk,
        changed: Changed,
    ) -> None:
        self._lease = lease
        self._listeners = listeners
        self._polls = polls
        self._streams = streams
        self._results = results
        self._walk = walk
        self._changed = changed
        self.on_told: Callable[[], None] = lambda: None
        self.sources: list[Callable[[], Awaitable[None]]] = []
        self._telling = False
        self._hurry = True
        self._rounds = 0
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[ObjectId, asyncio.Task[None]] = {}
        self._loop = Wakeful("webhook-teller", LOOK_SECONDS, self.round)

    def start(self) -> None:
        """Start the rounds."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop; what was not told is told by another instance."""
        await self._loop.aclose()
        await cancel(*self._tasks.values())

    def hear(self, event: PollEvent) -> None:
        """Take an event of the update channel."""
        if not self._telling:
            return
        if event.kind is EventKind.POLL:
            self._loop.wake()
        elif self._listeners.of_event(RESULTS):
            self._changed.hear(event)

    def missed(self) -> None:
        """Events may have been missed."""
        self._walk.begin_again()
        self._hurry = True

    async def round(self) -> None:
        """Begin to tell what is due. Raises the errors of the stores."""
        if not self._lease.held:
            self._telling = False
            return
        if not self._telling:
            self._telling = True
            self.missed()
        for source in self.sources:
            await source()
        noted, begun = await self._streams.noted(), await self._streams.begun()
        due = dict.fromkeys([*noted, *(one for one in begun if str(one) not in self._changed)])
        counts = await self._listened_to(self._changed.take(self._tasks.keys()))
        for topic in due | counts:
            if topic not in self._tasks:
                self._spawn(topic, counts=topic in counts)
        # Last: counts that cannot be read hold up nothing that is noted.
        await self._take_steps()

    async def _listened_to(self, poll_ids: list[str]) -> dict[ObjectId, None]:
        """Those of the polls whose counts somebody wants to hear of; asked of memory, as a rule."""
        polls = await self._polls.get_many(poll_ids)
        return {
            one.poll.id: None
            for one in polls.values()
            if any(
                listener.hears_of(one.poll.id, one.poll.user_id)
                for listener in self._listeners.of_event(RESULTS)
            )
        }

    async def _take_steps(self) -> None:
        self._rounds += 1
        if self._hurry or self._rounds % WALK_EVERY == 0:
            self._hurry = await self._walk.step() and self._hurry

    def _spawn(self, topic: ObjectId, *, counts: bool) -> None:
        task = asyncio.create_task(self._tell_safely(topic, counts=counts))
        self._tasks[topic] = task
        task.add_done_callback(lambda _: self._tasks.pop(topic, None))

    async def _tell_safely(self, topic: ObjectId, *, counts: bool) -> None:
        async with self._slots:
            try:
                await self.tell(topic, counts=counts)
            except Exception as error:
                if counts:
                    self._changed.later(str(topic), AGAIN_SECONDS)
                if not store_is_away(error):
                    log.exception("webhooks_not_told", topic=str(topic))

    async def tell(self, topic: ObjectId, *, counts: bool = False) -> None:
        """Tell all that has happened to a topic, and its ``counts`` where those may have changed.

        Raises the errors of the stores.
        """
        if not self._lease.held:
            return
        stream = await self._streams.open(topic)
        facts = await self._streams.facts(topic)
        told = await self._streams.tell(stream, derive(stream, facts))
        if told and facts.poll is not None and (counts or stream.final_due):
            await self._results.tell(stream, facts.poll)
        elif counts and not told:
            self._changed.later(str(topic), AGAIN_SECONDS)
        self.on_told()
