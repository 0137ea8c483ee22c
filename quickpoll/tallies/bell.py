"""The bell: rings on every instance when something about a poll has changed.

A message says *which* poll; whoever shows a number reads it. The subscription hears its own
heartbeat: one that has gone deaf is made anew, and everything watched counts as changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

import orjson
import structlog
from redis.exceptions import RedisError

from quickpoll.foundation.ending import end
from quickpoll.foundation.redis import RedisAway, RedisLink
from quickpoll.foundation.store_failures import of_redis
from quickpoll.tallies.keys import Keys

log = structlog.get_logger(__name__)

beat_seconds = 1.0
deaf_seconds = 5.0
again_seconds = 0.1
refused_seconds = 5.0
"""Until the next try to subscribe: after a loss, and where our user may not."""


@dataclass(frozen=True, slots=True)
class Ring:
    """One message of the channel ``poll-updates``."""

    event: str
    poll_id: str
    version: int
    change: str | None = None
    public: bool | None = None
    """Of a deleted poll, of which nobody can be asked any more."""


class Bell:
    """Hears ``poll-updates`` and tells the listeners of this instance."""

    def __init__(self, instance: str, link: RedisLink, keys: Keys) -> None:
        self._link = link
        self._updates = keys.updates
        self._heartbeat = keys.heartbeat(instance)
        self._heard = monotonic()
        self._lost = False
        self._on_ring: list[Callable[[Ring], None]] = []
        self._on_gap: list[Callable[[], None]] = []
        self._loops: list[asyncio.Task[None]] = []
        self._client: Any = None

    def on_ring(self, listener: Callable[[Ring], None]) -> None:
        """Call ``listener`` with every message."""
        self._on_ring.append(listener)

    def on_gap(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when messages may have been missed."""
        self._on_gap.append(listener)

    @property
    def deaf(self) -> bool:
        """Whether the own heartbeat has not been heard for too long."""
        return monotonic() - self._heard > deaf_seconds

    def ring(self, ring: Ring) -> None:
        """Tell the listeners of this instance (also used directly while Redis is away)."""
        for listener in self._on_ring:
            listener(ring)

    def start(self) -> None:
        """Start to listen and to beat."""
        self._client = self._link.subscriber()
        self._link.require("PUBLISH", self._heartbeat, "")
        self._loops = [
            asyncio.create_task(self._listen_forever(), name="bell-listen"),
            asyncio.create_task(self._beat(), name="bell-beat"),
        ]

    async def aclose(self) -> None:
        """Stop listening."""
        await end(*self._loops)
        if self._client is not None:
            await self._client.aclose()

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:
                self._tell(error)
                lasts = isinstance(error, RedisError) and of_redis(error).lasts
                await asyncio.sleep(refused_seconds if lasts else again_seconds)

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
            await channel.subscribe(self._updates, self._heartbeat)
            while True:
                message = await channel.get_message(timeout=deaf_seconds)
                if message is None:
                    raise TimeoutError("no heartbeat")
                self._heard = monotonic()
                self._lost = False
                self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            # Also after a silent re-subscription: what was said in between is gone.
            for listener in self._on_gap:
                listener()
        elif message["channel"] == self._updates:
            ring = _parse(message["data"])
            if ring is not None:
                self.ring(ring)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(beat_seconds)
            try:
                await self._link.call("PUBLISH", self._heartbeat, "")
            except RedisAway:
                continue


def _parse(data: str) -> Ring | None:
    try:
        said = orjson.loads(data)
        return Ring(
            said["event"],
            said["pollId"],
            int(said["version"]),
            said.get("change"),
            said.get("public"),
        )
    except (ValueError, KeyError, TypeError):
        log.warning("unreadable_update")
        return None
