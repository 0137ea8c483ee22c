"""How many new guests an address has sent of late: over all instances, in Redis.

Invariants:

- One script decides and counts, so that of two guests who come at the same moment to two instances
  each is counted before the other is judged. Running it twice counts nobody twice.
- Addresses share nothing: each has a list of its own.
- While Redis is away each instance goes by the guests that it let in itself, and tells Redis of
  them with the next one from the same address.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from math import ceil
from time import time
from typing import NamedTuple

from quickpoll.counting.keys import Keys
from quickpoll.foundation.stores.redis import RedisAway, RedisLink, Script
from quickpoll.guests.proof import GOOD_SECONDS

WINDOW_SECONDS = 600.0
MOST_ADDRESSES = 10_000
"""Addresses that an instance keeps in mind, those that nobody came from for longest forgotten."""

AT_ONCE = 8
"""Guests who are judged at the same time: a hall that comes in at once must not open a connection
each."""

_judging = Script("""
-- KEYS: list of an address, name of the proof; ARGV: window (ms), guests from which on a proof is
-- asked for, most guests, mark of the guest, whether there is a proof, its life (ms), then time
-- and mark of each guest who came while nobody could be told.
-- Answers what is to be done (0 let in, 1 ask for a proof, 2 refuse) and how long to wait (ms).
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local window, life = tonumber(ARGV[1]), tonumber(ARGV[6])
for i = 7, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('PEXPIRE', KEYS[1], window)
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZSCORE', KEYS[1], ARGV[4]) then return {0, 0} end
local count, most = redis.call('ZCARD', KEYS[1]), tonumber(ARGV[3])
if count >= most then
  local last = redis.call('ZRANGE', KEYS[1], count - most, count - most, 'WITHSCORES')
  return {2, math.max(1, tonumber(last[2]) + window - now)}
end
if count >= tonumber(ARGV[2]) then
  if ARGV[5] == '0' or not redis.call('SET', KEYS[2], '1', 'NX', 'PX', life) then return {1, 0} end
end
redis.call('ZADD', KEYS[1], now, ARGV[4])
redis.call('PEXPIRE', KEYS[1], window)
return {0, 0}
""")


class Decision(Enum):
    """What becomes of a new guest."""

    LET_IN = 0
    ASK_FOR_PROOF = 1
    REFUSE = 2


class Verdict(NamedTuple):
    """``wait``: after how many seconds there is room again, where there is none."""

    decision: Decision
    wait: int = 0


class Newcomers:
    """Lets new guests in, as many of one address as the operator says.

    ``proof_from`` guests within ten minutes need no proof, more than ``limit`` are refused.
    ``clock`` answers the seconds since 1970.
    """

    def __init__(
        self,
        link: RedisLink,
        keys: Keys,
        *,
        proof_from: int,
        limit: int,
        clock: Callable[[], float] = time,
    ) -> None:
        self._link = link
        self._keys = keys
        self._proof_from = proof_from
        self._limit = limit
        self._here = Ledger(proof_from, limit)
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def judge(self, address: str, mark: str, proof: str | None) -> Verdict:
        """What becomes of a guest from that address, of whom ``mark`` reminds; ``proof`` is the
        name of the challenge that they solved."""
        async with self._slots:
            return await self._judge(address, mark, proof)

    async def _judge(self, address: str, mark: str, proof: str | None) -> Verdict:
        untold = self._here.untold(address)
        try:
            said, wait = await self._link.run(
                _judging,
                [self._keys.newcomers(address), self._keys.spent_proof(proof or "")],
                ceil(WINDOW_SECONDS * 1000),
                self._proof_from,
                self._limit,
                mark,
                int(proof is not None),
                GOOD_SECONDS * 1000,
                *(part for when, who in untold for part in (ceil(when * 1000), who)),
            )
        except RedisAway:
            return self._here.judge(address, mark, proof, self._clock())
        self._here.told(address, {who for _, who in untold})
        verdict = Verdict(Decision(said), ceil(wait / 1000))
        if verdict.decision is Decision.LET_IN:
            self._here.note(address, mark, self._clock(), told=True)
        return verdict


class Ledger:
    """The same in the memory of one instance: pure, the time is passed in."""

    def __init__(self, proof_from: int, limit: int) -> None:
        self._proof_from = proof_from
        self._limit = limit
        self._came: OrderedDict[str, dict[str, float]] = OrderedDict()
        self._untold: dict[str, set[str]] = {}
        self._spent: OrderedDict[str, float] = OrderedDict()

    def judge(self, address: str, mark: str, proof: str | None, now: float) -> Verdict:
        """As the script does."""
        came = self._recent(address, now)
        if mark in came:
            return Verdict(Decision.LET_IN)
        if len(came) >= self._limit:
            last = sorted(came.values())[len(came) - self._limit]
            return Verdict(Decision.REFUSE, max(1, ceil(last + WINDOW_SECONDS - now)))
        if len(came) >= self._proof_from and not self._spend(proof, now):
            return Verdict(Decision.ASK_FOR_PROOF)
        self.note(address, mark, now, told=False)
        return Verdict(Decision.LET_IN)

    def note(self, address: str, mark: str, now: float, *, told: bool) -> None:
        """A guest was let in; ``told``: Redis knows."""
        self._recent(address, now).setdefault(mark, now)
        self._came.move_to_end(address)
        if not told:
            self._untold.setdefault(address, set()).add(mark)
        if len(self._came) > MOST_ADDRESSES:
            forgotten, _ = self._came.popitem(last=False)
            self._untold.pop(forgotten, None)

    def untold(self, address: str) -> list[tuple[float, str]]:
        """When and who came from an address without Redis knowing of it."""
        came = self._came.get(address, {})
        return [(came[mark], mark) for mark in self._untold.get(address, ()) if mark in came]

    def told(self, address: str, marks: set[str]) -> None:
        """Redis knows of these now."""
        left = self._untold.pop(address, set()) - marks
        if left:
            self._untold[address] = left

    def _recent(self, address: str, now: float) -> dict[str, float]:
        came = self._came.setdefault(address, {})
        while came:
            mark, when = next(iter(came.items()))
            if when > now - WINDOW_SECONDS:
                break
            del came[mark]
        return came

    def _spend(self, proof: str | None, now: float) -> bool:
        while self._spent and next(iter(self._spent.values())) <= now:
            self._spent.popitem(last=False)
        if proof is None or proof in self._spent:
            return False
        self._spent[proof] = now + GOOD_SECONDS
        return True
