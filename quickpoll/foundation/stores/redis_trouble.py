"""What is the matter with Redis, when to look again, and what the log says of it.

Redis that is gone comes back at any moment, and is looked for often. Redis that refuses us (a wrong
password, a right that our user lacks) answers, and goes on refusing: it is looked at less and less
often, and it counts as available again only when it has served us for a while, since a right that
lacks shows only in the command that needs it.
"""

from __future__ import annotations

import asyncio

import structlog

from quickpoll.foundation.observability import metrics
from quickpoll.foundation.observability.once import Once
from quickpoll.foundation.stores.failures import CAUSES, Failure, of_redis

log = structlog.get_logger("quickpoll.foundation.stores.redis")

FIRST_REFUSED_SECONDS = 1.0
LONGEST_REFUSED_SECONDS = 5.0
"""Between two looks where Redis refuses us: at first, and at most. Twice as long each time."""

SETTLED_SECONDS = 2.0
"""Longer than any of the service's loops takes to use each of its rights once."""

MEANWHILE = "counts are read from MongoDB until Redis answers"


class RedisTrouble:
    """Why Redis does not serve us; ``pause`` is the time until the next look, in seconds."""

    def __init__(self, pause: float) -> None:
        self.failure: Failure | None = None
        self.pause = self._shortest = pause
        self._once = Once()
        self._settling: asyncio.TimerHandle | None = None

    @property
    def lasts(self) -> bool:
        """Whether somebody has to put something right first."""
        return self.failure is not None and self.failure.lasts

    def met(self, error: BaseException) -> None:
        """A command, or a look, has failed. Said once, not with every look."""
        metrics.redis_errors.labels(type(error).__name__).inc()
        self.close()
        failure = self.failure = of_redis(error)
        self.pause = self._longer() if failure.lasts else self._shortest
        if self._once.say(failure.cause) is not None:
            event = "redis_refused" if failure.lasts else "redis_away"
            log.warning(event, detail=MEANWHILE, reason=failure.detail)

    def unforeseen(self, error: Exception) -> None:
        """A look has failed in a way that nobody foresaw, which is a fault of ours."""
        if self._once.say(type(error).__name__) is not None:
            log.error("redis_look_failed", exc_info=error)
        self.met(error)

    def over(self, run_id: str) -> None:
        """A look has found Redis, and it may be used."""
        if self.lasts:
            loop = asyncio.get_running_loop()
            self._settling = loop.call_later(SETTLED_SECONDS, self._settled, run_id)
        else:
            self._settled(run_id)

    def close(self) -> None:
        """Say nothing more."""
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None

    def _longer(self) -> float:
        return min(max(2 * self.pause, FIRST_REFUSED_SECONDS), LONGEST_REFUSED_SECONDS)

    def _settled(self, run_id: str) -> None:
        self.pause, self.failure = self._shortest, None
        for cause in CAUSES:
            self._once.forget(cause)
        log.info("redis_available", run_id=run_id)
