"""Waiting until a change of a poll is final: until nothing that went by the poll as it was can
still be written.

Invariants:

- A batch goes by the poll that it reads after its mark was made, or at a revision that Redis named
  then. So every batch that may have gone by the old poll has a mark that is older than the change's
  announcement, and is among those found after it.
- A mark that is past its deadline is fenced by a recount; afterwards nothing of its batch can land.
- Where marks were lost (or Redis cannot say) every batch that may have gone by the old poll has
  ended when the notes are stale and a mark's whole life has passed. The notes name the users whose
  documents those batches may write; they are fenced, and the poll is counted.
- A ballot may stand that Redis lacks, under a note, and not be acknowledged yet. Such a note is
  older than the change; where there is one, a change is final when every instance must know it, so
  that nobody reads the counts of before from Redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pymongo.errors import PyMongoError

from quickpoll.counting.counters import Counters
from quickpoll.counting.tally import Fences
from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.time_limits import (
    FINALITY_STEP_SECONDS,
    MARGIN_SECONDS,
    MARK_SECONDS,
    NOTES_STALE_SECONDS,
)
from quickpoll.foundation.stores.redis import RedisAway

NOT_FINAL = "It is made, but not every vote before it is settled yet; ask again, that is safe."


class Finality:
    """Waits for what is alive, and fences what is not."""

    def __init__(
        self,
        counters: Counters,
        fences: Fences,
        recount: Callable[[str], Awaitable[object]],
    ) -> None:
        self._counters = counters
        self._fences = fences
        self._recount = recount

    async def wait(self, poll_id: str, changed_seconds_ago: float, until: float) -> None:
        """Return once the change that was written so many seconds ago is final.

        ``until`` is the loop's time at which waiting ends. Raises
        :class:`~quickpoll.errors.Unavailable` where it is not final by then.
        """
        try:
            async with asyncio.timeout_at(until):
                await self._wait(poll_id, changed_seconds_ago)
        except (TimeoutError, PyMongoError) as error:
            raise Unavailable(NOT_FINAL) from error

    async def _wait(self, poll_id: str, changed_seconds_ago: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time() - changed_seconds_ago
        try:
            unmarked = await self._marked_ended(poll_id)
            lives = MARK_SECONDS
        except RedisAway:
            # Others may go by what Redis says of the poll until they must know the note.
            unmarked, lives = None, NOTES_STALE_SECONDS + MARK_SECONDS
        # Asked of MongoDB, and not of what was last seen there: a note may be newer than that.
        notes = await self._counters.uncounted.on_poll(poll_id)
        if unmarked == 0 and not notes:
            return
        if unmarked == 0 and not any(note.marks() for note in notes):
            # All of it is written, but somebody may not know yet that Redis lacks it.
            await _sleep_until(began + NOTES_STALE_SECONDS + MARGIN_SECONDS)
            return
        await _sleep_until(began + lives + MARGIN_SECONDS)
        for note in await self._counters.uncounted.on_poll(poll_id):
            for mark in note.marks():
                await self._fences.fence(poll_id, mark)
        # Who has died before it was counted has left a ballot that Redis lacks, and in a Redis that
        # was away until now perhaps a mark.
        with suppress(RedisAway):
            await self._marked_ended(poll_id)
            await self._recount(poll_id)

    async def _marked_ended(self, poll_id: str) -> float | None:
        """Wait until each batch that is marked now has ended or was fenced.

        Answers the seconds for which there may be others, ``None`` where that is not known.
        """
        found = await self._counters.scripts.in_flight(poll_id)
        waited_for = found.left.keys()
        while waited_for & found.left.keys():
            if any(found.left[token] < 0 for token in waited_for & found.left.keys()):
                await self._recount(poll_id)
            else:
                await asyncio.sleep(FINALITY_STEP_SECONDS)
            found = await self._counters.scripts.in_flight(poll_id)
        return found.unmarked_seconds


async def _sleep_until(moment: float) -> None:
    await asyncio.sleep(max(moment - asyncio.get_running_loop().time(), 0.0))
