"""Rate limits: the generic cell rate algorithm (ITU-T I.371), in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from time import monotonic

from quickpoll.errors import RateLimited

remembered = 100_000


class RateLimit:
    """Lets ``count`` requests of one key through in any ``seconds``.

    Bounded: of more than 100,000 keys the one not seen for longest is forgotten.
    """

    def __init__(
        self, count: int, seconds: float = 10.0, clock: Callable[[], float] = monotonic
    ) -> None:
        self._interval = seconds / count
        self._tolerance = seconds - self._interval
        self._clock = clock
        self._arrivals: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> None:
        """Count a request. Raises :class:`~quickpoll.errors.RateLimited`."""
        now = self._clock()
        arrival = max(self._arrivals.get(key, now), now)
        if arrival - now > self._tolerance:
            raise RateLimited(ceil(arrival - now - self._tolerance))
        self._arrivals[key] = arrival + self._interval
        self._arrivals.move_to_end(key)
        if len(self._arrivals) > remembered:
            self._arrivals.popitem(last=False)


class Unlimited:
    """The limit that is none."""

    def take(self, key: str) -> None:
        """Let everything through."""
