"""The update channel: tells every instance that something about a poll has changed.

An event says *which* poll; whoever shows a number reads it. So a lost, doubled or late event can
make a number late, never wrong. The subscription hears its own heartbeat: one that has gone deaf
is made anew, and everything watched counts as changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Any

import orjson
import structlog
from redis.exceptions import RedisError

from quickpoll.counting.keys import Keys
from quickpoll.foundation.concurrency.cancellation import cancel
from quickpoll.foundation.stores.failures import of_redis
from quickpoll.foundation.stores.redis import RedisAway, RedisLink

log = structlog.get_logger(__name__)

BEAT_SECONDS = 1.0
DEAF_SECONDS = 5.0
AGAIN_SECONDS = 0.1
EVENT_FORM = 2
"""What our events say of the counts that they are about."""

REFUSED_SECONDS = 5.0
"""Until the next try to subscribe: after a loss, and where our user may not."""


class EventKind(StrEnum):
    """What has changed: ballots, likes, or the poll itself. Clients hear the same names."""

    VOTES = "vote-update"
    LIKES = "like-update"
    POLL = "poll-update"


@dataclass(frozen=True, slots=True)
class PollEvent:
    """One message of the channel ``poll-updates``.

    ``change`` says what happened to the poll itself, ``None`` where that is to be found out;
    ``public`` what a deleted poll was, of which nobody can be asked any more; ``form`` that of the
    counts whose instance has published it, ``None`` for version 0.1, 0 where nothing was written.
    """

    kind: EventKind
    poll_id: str
    version: int
    change: str | None = None
    public: bool | None = None
    form: int | None = EVENT_FORM


class PollEvents:
    """Hears ``poll-updates`` and tells the listeners of this instance."""

    def __init__(self, instance: str, link: RedisLink, keys: Keys) -> None:
        self._link = link
        self._updates = keys.updates
        self._heartbeat = keys.heartbeat(instance)
        self._heard = monotonic()
        self._lost = False
        self._on_event: list[Callable[[PollEvent], None]] = []
        self._on_gap: list[Callable[[], None]] = []
        self._others: dict[str, Callable[[str], None]] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._client: Any = None

    def on_event(self, listener: Callable[[PollEvent], None]) -> None:
        """Call ``listener`` with every event."""
        self._on_event.append(listener)

    def on_gap(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when events may have been missed."""
        self._on_gap.append(listener)

    def also_hear(self, channel: str, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with every message of another channel, too; to be said before
        :meth:`start`. What may have been missed of it is told as of all (:meth:`on_gap`)."""
        self._others[channel] = listener

    @property
    def deaf(self) -> bool:
        """Whether the own heartbeat has not been heard for too long."""
        return monotonic() - self._heard > DEAF_SECONDS

    def publish_here(self, event: PollEvent) -> None:
        """Tell the listeners of this instance (also used directly while Redis is away)."""
        for listener in self._on_event:
            listener(event)

    def start(self) -> None:
        """Start to listen and to beat."""
        self._client = self._link.subscriber()
        self._link.require("PUBLISH", self._heartbeat, "")
        self._loops = [
            asyncio.create_task(self._listen_forever(), name="events-listen"),
            asyncio.create_task(self._beat(), name="events-beat"),
        ]

    async def aclose(self) -> None:
        """Stop listening."""
        await cancel(*self._loops)
        if self._client is not None:
            await self._client.aclose()

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:
                self._tell(error)
                lasts = isinstance(error, RedisError) and of_redis(error).lasts
                await asyncio.sleep(REFUSED_SECONDS if lasts else AGAIN_SECONDS)

    def _tell(self, error: Exception) -> None:
        """Log the loss of the subscription once, not each try to have it back."""
        lost, self._lost = self._lost, True
        if lost:
            return
        if isinstance(error, RedisError | OSError | TimeoutError):
            failure = of_redis(error)
            say = log.warning if failure.lasts else log.info
            say("subscription_lost", error=type(error).__name__, reason=failure.detail)
        else:
            log.error("subscription_failed", exc_info=error)

    async def _listen(self) -> None:
        async with self._client.pubsub() as channel:
            await channel.subscribe(self._updates, self._heartbeat, *self._others)
            while True:
                message = await channel.get_message(timeout=DEAF_SECONDS)
                if message is None:
                    raise TimeoutError("no heartbeat")
                self._heard = monotonic()
                self._lost = False
                self._receive(message)

    def _receive(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            # Also after a silent re-subscription: what was said in between is gone.
            for listener in self._on_gap:
                listener()
        elif message["channel"] == self._updates:
            event = _parse(message["data"])
            if event is not None:
                self.publish_here(event)
        elif message["channel"] in self._others:
            self._others[message["channel"]](message["data"])

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self._link.call("PUBLISH", self._heartbeat, "")
            except RedisAway:
                continue


def _parse(data: str) -> PollEvent | None:
    try:
        fields = orjson.loads(data)
        return PollEvent(
            EventKind(fields["event"]),
            fields["pollId"],
            int(fields["version"]),
            fields.get("change"),
            fields.get("public"),
            fields.get("form"),
        )
    except (ValueError, KeyError, TypeError):
        log.warning("unreadable_update")
        return None
