"""Who is leaving, known to every instance; and who has left which polls.

Invariants:

- An erasure is stored before it is acknowledged. Every instance looks at those that run several
  times a second, and no batch of ballots or likes goes by a look that is older than
  :data:`STALE_SECONDS`: where it is, it looks itself. So from that time on nothing is written for
  whoever is leaving, and what was begun before has ended when its mark would have.
- A tombstone stands, and every instance goes by its poll (``Poll.tombstones``), before the erasure
  is done: until then whoever is leaving is refused anyway.

- An instance forgets whoever leaves: at each look, and where it could not look for a while also
  those whose erasure was done meanwhile.

Only polls that somebody has left pay for it: their batches ask once whether a voter has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from odmantic import AIOEngine

from quickpoll.errors import AlreadyVoted, Forbidden
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.foundation.concurrency.time_limits import NOTES_SECONDS, NOTES_STALE_SECONDS
from quickpoll.personal.key import People
from quickpoll.personal.models import RUNNING, Erasure, Tombstone

STALE_SECONDS = NOTES_STALE_SECONDS

Pair = tuple[str, str]
"""A user's id and a poll's id."""


SWEPT_LATER = {"$gt": datetime.fromtimestamp(0, UTC)}
"""Of erasures whose person is still known, sealed, for what may come late."""

LEAVING = "Your data is being erased; until that is done nothing new is taken from you."


VOTED_BEFORE = (
    "You had voted on this poll before your data was erased, and each person has one ballot."
)


def leaving_now() -> Forbidden:
    """What whoever is leaving is told."""
    return Forbidden(LEAVING)


def voted_before() -> AlreadyVoted:
    """What somebody is told who votes where they had voted before they were erased."""
    return AlreadyVoted(VOTED_BEFORE, option_ids=[])


class Departed(Protocol):
    """What those who write must ask about people."""

    async def leaving(self, user_ids: Iterable[str]) -> Collection[str]:
        """Those of these users for whom nothing may be written. Raises a MongoDB error."""

    async def who_left(self, pairs: Iterable[Pair]) -> set[Pair]:
        """Of these users on these polls, those who have voted there before they were erased.
        Raises a MongoDB error."""


class NobodyLeft:
    """The same where nobody is ever erased."""

    async def leaving(self, user_ids: Iterable[str]) -> Collection[str]:
        """Nobody."""
        return ()

    async def who_left(self, pairs: Iterable[Pair]) -> set[Pair]:
        """Nobody."""
        return set()


class Departures:
    """Looks who is leaving, and says so with every look."""

    def __init__(
        self, engine: AIOEngine, people: People, clock: Callable[[], float] = monotonic
    ) -> None:
        self._erasures = engine.get_collection(Erasure)
        self._tombstones = engine.get_collection(Tombstone)
        self._people = people
        self._clock = clock
        self._leaving: frozenset[str] = frozenset()
        self._looked_at = float("-inf")
        self._loop = Periodic("departures", NOTES_SECONDS, self.look)
        self._listeners: list[Callable[[Collection[str]], None]] = []

    def start(self) -> None:
        """Start to look."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop looking."""
        await self._loop.aclose()

    def on_leaving(self, *listeners: Callable[[Collection[str]], None]) -> None:
        """Call these with everybody who is leaving, again and again until they have left."""
        self._listeners += listeners

    async def check(self, user_id: str) -> None:
        """Raises :class:`~quickpoll.errors.Forbidden` for whom this instance knows to be leaving,
        and MongoDB, too: nobody is refused by an old memory."""
        if user_id in self._leaving and await self.leaving([user_id]):
            raise leaving_now()

    async def leaving(self, user_ids: Iterable[str]) -> Collection[str]:
        """Those of these users for whom nothing may be written. Raises a MongoDB error."""
        asked = frozenset(user_ids)
        if self._clock() - self._looked_at > STALE_SECONDS or asked & self._leaving:
            await self.look()
        return asked & self._leaving

    async def look(self) -> None:
        """Look who is leaving. Raises a MongoDB error."""
        began = self._clock()
        missed = STALE_SECONDS < began - self._looked_at < float("inf")
        found = await self._erasures.find({"status": RUNNING}, {"userId": 1}).to_list(None)
        self._leaving = frozenset(str(one["userId"]) for one in found)
        gone = await self._gone_of_late() if missed else frozenset()
        self._looked_at = began
        if told := self._leaving | gone:
            for listener in self._listeners:
                listener(told)

    async def _gone_of_late(self) -> frozenset[str]:
        """Who was erased of late: an instance that could not look may know them still."""
        await self._people.ready()
        found = await self._erasures.find({"sweepAt": SWEPT_LATER}, {"sealed": 1}).to_list(None)
        opened = [self._people.opened(bytes(o["sealed"]), str(o["_id"])) for o in found]
        return frozenset(one for one in opened if one is not None)

    async def who_left(self, pairs: Iterable[Pair]) -> set[Pair]:
        """Of these users on these polls, those who have voted there before they were erased.
        Raises a MongoDB error."""
        await self._people.ready()
        named = {self.hash_of(*pair): pair for pair in pairs}
        query = {"_id": {"$in": list(named)}, "voted": True}
        found = await self._tombstones.find(query, {"_id": 1}).to_list(None)
        return {named[bytes(one["_id"])] for one in found}

    def hash_of(self, user_id: str, poll_id: str, kind: str = "ballot") -> bytes:
        """The id of a tombstone."""
        return self._people.hash_of(kind, poll_id, user_id)
