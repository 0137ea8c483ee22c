"""How many people are in a session: counted over all instances, told to those who lead it.

Invariants:

- Who is in is known to Redis for ``KEPT_SECONDS`` after an instance has said so last, and each says
  it again sooner. So whoever leaves, and whatever an instance that died had said, is forgotten by
  itself; who comes back, on whichever instance, was never gone.
- A person with two screens is one. Redis gets a digest that is good for this session alone, never
  whose it is.
- While Redis is away nothing is told: half of the hall is no number. When it has lost what it was
  told, all of it is told anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from time import monotonic

from quickpoll.counting.keys import Keys
from quickpoll.foundation.asyncapi.messages import sent
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.stores.redis import RedisAway, RedisLink, Script
from quickpoll.realtime.audience import Audience, Client
from quickpoll.realtime.relay import Sender, messages
from quickpoll.realtime.session_messages import ATTENDANCE, SessionAttendance
from quickpoll.realtime.topic_relay import TopicRelay

ROUND_SECONDS = 1.0
AGAIN_SECONDS = 4.0
KEPT_SECONDS = 10.0
MOST_IN_A_CALL = 1_000
"""People that one call tells Redis of: a longer one would keep everybody else waiting."""

_meet = Script("""
-- KEYS: who is in a session; ARGV: how long that is known (ms), then a digest of each who is in.
-- Answers how many are in, and whether anybody was before.
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local kept = tonumber(ARGV[1])
local known = redis.call('EXISTS', KEYS[1])
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now, ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - kept)
redis.call('PEXPIRE', KEYS[1], kept)
return {redis.call('ZCARD', KEYS[1]), known}
""")


class Attendance:
    """Tells Redis who is in, and those who lead how many that are. ``clock`` answers seconds."""

    def __init__(
        self,
        link: RedisLink,
        keys: Keys,
        audience: Audience,
        relay: TopicRelay,
        sender: Sender,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._link = link
        self._keys = keys
        self._audience = audience
        self._relay = relay
        self._sender = sender
        self._clock = clock
        self._told: dict[str, dict[str, float]] = {}  # {session: {user: when Redis was told}}
        self._shown: dict[str, dict[str, int]] = {}  # {session: {connection: number}}
        self._loop = Periodic("attendance", ROUND_SECONDS, self.round)

    def start(self) -> None:
        """Start to count."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop."""
        await self._loop.aclose()

    async def round(self) -> None:
        """Count every session that somebody follows here."""
        followed = self._relay.followers()
        for session_id in (self._told.keys() | self._shown.keys()) - followed.keys():
            self._told.pop(session_id, None)
            self._shown.pop(session_id, None)
        for session_id, sids in followed.items():
            try:
                await self._count(session_id, sids)
            except RedisAway:
                self._told.clear()
                return

    async def _count(self, session_id: str, sids: Iterable[str]) -> None:
        leader = self._relay.leader(session_id)
        if not leader:
            return  # nobody was shown it yet
        people: set[str] = set()
        leaders: list[str] = []
        for client in filter(None, map(self._audience.get, sids)):
            if _leads(client, leader):
                leaders.append(client.sid)
            else:
                people.add(client.caller.user_id)
        due = self._due(session_id, people)
        if due or leaders:
            number = await self._meet(session_id, due)
            self._tell(session_id, number, leaders)

    def _due(self, session_id: str, people: set[str]) -> list[str]:
        told, now = self._told.get(session_id, {}), self._clock()
        self._told[session_id] = {user: when for user, when in told.items() if user in people}
        return [user for user in people if now - told.get(user, -AGAIN_SECONDS) >= AGAIN_SECONDS]

    async def _meet(self, session_id: str, due: list[str]) -> int:
        told, key = self._told[session_id], self._keys.attendance(session_id)
        number, begins = 0, bool(told)
        for start in range(0, max(1, len(due)), MOST_IN_A_CALL):
            part = due[start : start + MOST_IN_A_CALL]
            digests = [_digest(session_id, user) for user in part]
            number, known = await self._link.run(_meet, [key], int(KEPT_SECONDS * 1000), *digests)
            if begins and not known:
                told.clear()  # Redis has lost the others: they are told in the next round
            begins = False
            told |= dict.fromkeys(part, self._clock())
        return int(number)

    def _tell(self, session_id: str, number: int, leaders: list[str]) -> None:
        before = self._shown.get(session_id, {})
        self._shown[session_id] = dict.fromkeys(leaders, number)
        news = [sid for sid in leaders if before.get(sid) != number]
        if news:
            said = sent(SessionAttendance, {"sessionId": session_id, "people": number})
            messages.inc(self._sender.send(ATTENDANCE, said, sids=news))


def _leads(client: Client, leader: str) -> bool:
    return client.caller.admin or client.caller.user_id == leader


def _digest(session_id: str, user_id: str) -> str:
    return blake2b(bytes.fromhex(user_id), key=session_id.encode(), digest_size=8).hexdigest()
