"""Rate limits: the generic cell rate algorithm (ITU-T I.371), in memory.

A limit decides at once, by what it knows. ``sharing`` tells the other instances what was taken
here and brings back what was taken there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from time import monotonic

from quickpoll.errors import RateLimited
from quickpoll.foundation.observability import metrics

REMEMBERED = 100_000

WORTH_SHARING = 0.1
"""The part of a limit that a key may have taken here before the other instances are told: most
callers never come near it, and cost nothing."""


class Account:
    """What one key has taken: ``arrival`` is when the whole of it will have drained (the
    theoretical arrival time), ``untold`` the requests that other instances do not know of."""

    __slots__ = ("arrival", "untold")

    def __init__(self, arrival: float) -> None:
        self.arrival = arrival
        self.untold = 0


class RateLimit:
    """Lets ``count`` requests of one key through in any ``seconds``.

    Bounded: of more than 100,000 keys the one not seen for longest is forgotten.
    """

    def __init__(
        self,
        count: int,
        seconds: float = 10.0,
        clock: Callable[[], float] = monotonic,
        name: str = "other",
    ) -> None:
        self.name = name
        self.seconds = seconds
        self._interval = seconds / count
        # A microsecond more, lest rounding takes a request from somebody.
        self._tolerance = seconds - self._interval + 1e-6
        self._tell_from = seconds * WORTH_SHARING
        self._clock = clock
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._due: set[str] = set()
        self._refused = metrics.rate_limited.labels(name)

    def take(self, key: str) -> None:
        """Count a request. Raises :class:`~quickpoll.errors.RateLimited`."""
        now = self._clock()
        account = self._accounts.get(key)
        if account is None:
            account = self._open(key, now)
        else:
            self._accounts.move_to_end(key)
        ahead = account.arrival - now
        if ahead <= 0:
            account.untold = 0
            ahead = 0.0
        elif ahead > self._tolerance:
            self._refused.inc()
            self._due.add(key)  # what the others know decides how long it lasts
            raise RateLimited(ceil(ahead - self._tolerance))
        account.arrival = now + ahead + self._interval
        account.untold += 1
        if ahead > self._tell_from:
            self._due.add(key)

    def _open(self, key: str, now: float) -> Account:
        account = self._accounts[key] = Account(now)
        if len(self._accounts) > REMEMBERED:
            forgotten, _ = self._accounts.popitem(last=False)
            self._due.discard(forgotten)
        return account

    def forget(self, keys: Iterable[str]) -> None:
        """Keep nothing of these keys; what they took is in Redis, if it was worth it."""
        for key in keys:
            self._accounts.pop(key, None)
            self._due.discard(key)

    def tell(self) -> dict[str, float]:
        """What other instances should know of and do not yet: seconds of its limit that each key
        has taken here. Each is told once."""
        now, told = self._clock(), {}
        for key in self._due:
            account = self._accounts[key]
            told[key] = min(account.untold * self._interval, max(account.arrival - now, 0.0))
            account.untold = 0
        self._due = set()
        return told

    def hear(self, ahead: dict[str, float]) -> None:
        """What all instances together have let each key take: seconds until it will have drained.

        What was taken here in the meantime comes on top.
        """
        now = self._clock()
        for key, seconds in ahead.items():
            account = self._accounts.get(key)
            if account is not None:
                known = now + seconds + account.untold * self._interval
                account.arrival = max(account.arrival, known)


class Unlimited:
    """The limit that is none."""

    def take(self, key: str) -> None:
        """Let everything through."""


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """What stands for an address in a limit: itself, or its /64 where it is an IPv6 address, since
    anybody with one of those has all of them (RFC 6177)."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, 64), strict=False))
