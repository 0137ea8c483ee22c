"""Limits over all instances: what each has let through is shared in Redis, in the background.

A look at Redis before each request would cost more than most requests. So an instance decides by
what it knows, and ten times a second the busy keys of all of them are added up in Redis by one
script. N instances together allow what one would, but for what each let through within that tenth
of a second, and ``worth_sharing`` of the limit on each; what was too much is paid back. While
Redis is away each instance goes on by itself, and nobody is refused for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from hashlib import blake2b
from math import ceil

from quickpoll.auth.limits import RateLimit
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.stores.redis import RedisAway, RedisLink, Script

SHARE_SECONDS = 0.1
MOST_KEYS = 500
"""Keys in one call, so that none holds up Redis for more than a millisecond."""

_add_up = Script("""
-- KEYS: limits; ARGV: most microseconds that may be ahead, then for each key those taken.
-- Adds what was taken to the time at which the key will have drained, kept as microseconds since
-- 1970. Answers for each how many microseconds that is ahead.
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local out = {}
for i, key in ipairs(KEYS) do
  local arrival = math.max(tonumber(redis.call('GET', key) or 0), now) + tonumber(ARGV[i + 1])
  local ahead = math.min(arrival - now, tonumber(ARGV[1]))
  if ahead > 0 then
    redis.call('SET', key, string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000))
  end
  out[i] = math.ceil(ahead)
end
return out
""")

NameKey = Callable[[str, str], str]
"""The Redis key for a limit's name and one of its keys; all of a limit in one slot."""


class LimitSharing:
    """Shares what these limits have let through with the other instances."""

    def __init__(self, link: RedisLink, name_key: NameKey, limits: Sequence[RateLimit]) -> None:
        self._link = link
        self._name_key = name_key
        self._limits = limits
        self._loop = Periodic("limits-share", SHARE_SECONDS, self.share)

    def start(self) -> None:
        """Share ten times a second, if there is anything to share."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop sharing."""
        await self._loop.aclose()

    def forget(self, keys: Collection[str]) -> None:
        """Keep nothing of these keys here."""
        for limit in self._limits:
            limit.forget(keys)

    async def share(self) -> None:
        """Share once. Without Redis the limits of this instance hold by themselves."""
        for limit in self._limits:
            told = list(limit.tell().items())
            for start in range(0, len(told), MOST_KEYS):
                await self._add_up(limit, dict(told[start : start + MOST_KEYS]))

    async def _add_up(self, limit: RateLimit, taken: dict[str, float]) -> None:
        keys = [self._name_key(limit.name, _digest(key)) for key in taken]
        # What is too much is paid back, but nobody is shut out for longer than one more window.
        most = ceil(2 * limit.seconds * 1e6)
        steps = [ceil(seconds * 1e6) for seconds in taken.values()]
        try:
            ahead = await self._link.run(_add_up, keys, most, *steps)
        except RedisAway:
            return
        limit.hear({key: float(us) / 1e6 for key, us in zip(taken, ahead, strict=True)})


def _digest(key: str) -> str:
    """What stands for a user or an address in the name of a key, which is to name nobody."""
    return blake2b(key.encode(), digest_size=12).hexdigest()
