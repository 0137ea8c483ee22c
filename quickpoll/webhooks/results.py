"""What is told of the counts: at most one message in five seconds a poll, and always the last.

Invariants:

- A vote pays nothing for it: counts are read at ticks, of polls that the update channel has named.
- The channel may lose a word. So when this instance begins to tell, or may have missed something,
  and slowly all the time, it walks over the open polls that somebody listens to and compares what
  was last told with what is.
- A close that somebody listens to stands in the stream until its final counts are told, and those
  are read when the close is final: when no ballot that was judged by the open poll can still land.
  Counts are told as final only where the poll was not changed until after they were read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

import orjson
from bson import ObjectId

from quickpoll.counting.events import EventKind, PollEvent
from quickpoll.counting.reading import TallyReader
from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.time_limits import CHANGE_ANSWER_SECONDS
from quickpoll.polls.models import Poll
from quickpoll.polls.store import KnownPoll
from quickpoll.repair.finality import Finality
from quickpoll.results.poll_view import view_without_ballot
from quickpoll.webhooks.derivation import Event
from quickpoll.webhooks.events import RESULTS, message_body
from quickpoll.webhooks.listeners import Listeners
from quickpoll.webhooks.models import Stream
from quickpoll.webhooks.streams import StreamStore

PAUSE_SECONDS: Final = 5.0
"""Between two messages about the counts of a poll."""

AGAIN_SECONDS: Final = 0.5
MOST_CHANGED: Final = 20_000


class Changed:
    """Polls whose counts have changed, or may have, and when each may be told of."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}  # {poll id: loop's time}

    def hear(self, event: PollEvent) -> None:
        """Take an event of the update channel."""
        if event.kind is not EventKind.POLL and len(self._due) < MOST_CHANGED:
            self._due.setdefault(event.poll_id, 0.0)

    def add(self, poll_ids: Iterable[str]) -> None:
        """The counts of these may have changed."""
        for poll_id in poll_ids:
            self._due.setdefault(poll_id, 0.0)

    def later(self, poll_id: str, seconds: float) -> None:
        """Look at a poll again."""
        self._due[poll_id] = monotonic() + seconds

    def take(self, busy: Container[ObjectId] = ()) -> list[str]:
        """The polls to look at now, those aside that somebody is at."""
        now = monotonic()
        taken = [i for i, at in self._due.items() if at <= now and ObjectId(i) not in busy]
        for poll_id in taken:
            del self._due[poll_id]
        return taken

    def __contains__(self, poll_id: str) -> bool:
        return poll_id in self._due


class ResultsTeller:
    """Tells of the counts of a poll, when that is due."""

    def __init__(
        self,
        streams: StreamStore,
        listeners: Listeners,
        tallies: TallyReader,
        finality: Finality,
        changed: Changed,
    ) -> None:
        self._streams = streams
        self._listeners = listeners
        self._tallies = tallies
        self._finality = finality
        self._changed = changed

    async def tell(self, stream: Stream, poll: Poll) -> None:
        """Tell of the counts of a poll as it is now. Raises the errors of the stores."""
        now = datetime.now(UTC)
        final = not poll.is_open(now)
        hear = await self._recipients(stream, poll, final=final)
        if not hear:
            return
        if poll.is_overdue(now):  # its close is not written down yet
            self._changed.later(str(poll.id), AGAIN_SECONDS)
        elif (wait := _pause(stream, now)) > 0:
            self._changed.later(str(poll.id), wait)
        elif not final or await self._is_final(poll):
            await self._tell(stream, poll, hear, final=final)

    async def _recipients(self, stream: Stream, poll: Poll, *, final: bool) -> tuple[ObjectId, ...]:
        if not final or poll.is_overdue(datetime.now(UTC)):
            listeners = await self._listeners.of(poll.id, poll.user_id)
            return tuple(one.id for one in listeners if RESULTS in one.events)
        return tuple(stream.final_due["webhooks"]) if stream.final_due else ()

    async def _is_final(self, poll: Poll) -> bool:
        until = asyncio.get_running_loop().time() + CHANGE_ANSWER_SECONDS
        try:
            # As if it was closed just now: a deadline's close is written whenever somebody comes to
            # it, and waiting costs nothing where all is well.
            await self._finality.wait(str(poll.id), 0.0, until)
        except Unavailable:
            self._changed.later(str(poll.id), AGAIN_SECONDS)
            return False
        return True

    async def _tell(
        self, stream: Stream, poll: Poll, hear: tuple[ObjectId, ...], *, final: bool
    ) -> None:
        tally = await self._tallies.read_one(str(poll.id))
        if tally is None:
            return
        if final and not await self._streams.is_unchanged(poll):  # it may be open again
            self._changed.later(str(poll.id), AGAIN_SECONDS)
            return
        now = datetime.now(UTC)
        view = view_without_ballot(KnownPoll(poll), tally, now, open_to=True)
        counts = view.counts()
        digest = digest_of(counts)
        told = stream.results
        if not final and told is not None and told["digest"] == digest and not told["final"]:
            return
        data = {"pollId": str(poll.id), **counts, "final": final}
        event = Event(RESULTS, now, message_body(RESULTS, now, data), poll.user_id, hear)
        results = {"digest": digest, "at": now, "final": final}
        await self._streams.tell_results(stream, [event], results)


def digest_of(counts: dict[str, Any]) -> str:
    """What tells counts apart: all of them, and not their version, which a recount moves."""
    parts = [counts["counts"], counts["votersCount"]]
    return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode()


def _pause(stream: Stream, now: datetime) -> float:
    """Seconds until the counts may be told of again; a clock that was set back holds nothing up."""
    if stream.results is None:
        return 0.0
    since: timedelta = now - stream.results["at"]
    return min(PAUSE_SECONDS - since.total_seconds(), PAUSE_SECONDS)
