"""How many wrong codes an address may try: so that nobody finds one by trying.

Counted over all instances in Redis, and by each for itself, which is what holds while Redis is
away. Right codes are never counted: a hall behind one address gets in however many it is. It does
not depend on ``API_RATE_LIMITS``, which is about load.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from time import monotonic

from quickpoll.auth.limits import REMEMBERED, network_of
from quickpoll.errors import RateLimited
from quickpoll.foundation.stores.redis import RedisAway, RedisLink, Script

MOST_WRONG = 100
WINDOW_SECONDS = 60.0
TOO_MANY = "Too many wrong codes came from your address; wait a little."

_count = Script("""
-- KEYS: the counter of an address; ARGV: how many to add, milliseconds that a new one lasts.
-- Answers how many there are, and how many milliseconds they still count.
if ARGV[1] == '0' then
  return {tonumber(redis.call('GET', KEYS[1]) or 0), math.max(redis.call('PTTL', KEYS[1]), 0)}
end
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {count, math.max(redis.call('PTTL', KEYS[1]), 0)}
""")


class WrongCodes:
    """Counts wrong codes by address; after a hundred in a minute it refuses all until the minute is
    over."""

    def __init__(
        self,
        link: RedisLink,
        name_key: Callable[[str], str],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._link = link
        self._name_key = name_key
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def judge(self, address: str, *, wrong: bool) -> None:
        """Count a code from that address, if it was wrong.

        Raises :class:`~quickpoll.errors.RateLimited` where nothing from there is answered.
        """
        count, until = await self._counted(network_of(address), wrong)
        if count >= MOST_WRONG + wrong:
            raise self._refusal(until)

    def check(self, address: str) -> None:
        """Refuse at once what this instance knows it would refuse. Raises as :meth:`judge`."""
        count, until = self._here(network_of(address))
        if count >= MOST_WRONG:
            raise self._refusal(until)

    def _refusal(self, until: float) -> RateLimited:
        return RateLimited(max(1, ceil(until - self._clock())), TOO_MANY)

    async def _counted(self, network: str, wrong: bool) -> tuple[int, float]:
        count, until = self._here(network)
        mine = (count + wrong, until)
        try:
            told = await self._link.run(
                _count, [self._name_key(network)], int(wrong), int(WINDOW_SECONDS * 1000)
            )
        except RedisAway:
            found = mine
        else:
            others = (int(told[0]), self._clock() + int(told[1]) / 1000)
            # Where Redis was emptied, what this instance knows still counts.
            found = max(mine, others)
        if found[0]:
            self._keep(network, found)
        return found

    def _here(self, network: str) -> tuple[int, float]:
        count, until = self._counts.get(network, (0, 0.0))
        now = self._clock()
        return (count, until) if now < until else (0, now + WINDOW_SECONDS)

    def _keep(self, network: str, found: tuple[int, float]) -> None:
        self._counts[network] = found
        self._counts.move_to_end(network)
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
