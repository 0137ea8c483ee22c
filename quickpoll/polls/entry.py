"""Guests at the door of a poll: let in by what the poll says now, never by what it said once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from quickpoll.auth.caller import Caller
from quickpoll.auth.doors import Doors
from quickpoll.errors import GuestsNotAllowed, PollNotFound
from quickpoll.foundation.stores.mongo import is_outage
from quickpoll.polls.models import NO_GUESTS, Poll
from quickpoll.polls.store import KnownPoll, PollStore

PATIENCE_SECONDS = 0.5
"""How long a page waits to hear whom its poll admits: it is shown in any case."""


class Judged(NamedTuple):
    """Of several polls those that do not admit the caller, and ids that are no poll."""

    shut: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class PollEntry:
    """Lets guests in to polls; accounts pass without a look."""

    def __init__(self, polls: PollStore, doors: Doors) -> None:
        self._polls = polls
        self._doors = doors

    async def check(self, caller: Caller, poll: Poll) -> None:
        """Raises :class:`~quickpoll.errors.GuestsNotAllowed` where this poll, read just now, does
        not admit the caller."""
        if caller.guest:
            await self._doors.check(caller, poll.guests, str(poll.id))

    async def enter(self, caller: Caller, poll_id: str) -> str | None:
        """What the poll says of guests, where that lets this one in; ``None`` for an account.

        It may be a memory: whoever writes by it holds the answer against the poll as it then is
        (:func:`check_still_admits`). Refused is only by what MongoDB says.

        Raises :class:`~quickpoll.errors.PollNotFound` and
        :class:`~quickpoll.errors.GuestsNotAllowed`.
        """
        if not caller.guest:
            return None
        known = await self._polls.get(poll_id)
        if not await self.admits(caller, known):
            known = await self._polls.fresh(poll_id)
            await self.check(caller, known.poll)
        return known.poll.guests

    async def judge(self, caller: Caller, poll_ids: Iterable[str]) -> Judged:
        """Which of several polls do not admit the caller, by what MongoDB says of those."""
        if not caller.guest:
            return Judged()
        wanted = list(poll_ids)
        known = await self._polls.get_many(wanted)
        if shut := await self._shut(caller, known):
            for poll_id in shut:
                del known[poll_id]
            again = await self._polls.fresh_many(shut)
            known, shut = known | again, await self._shut(caller, again)
        return Judged(tuple(shut), tuple(one for one in wanted if one not in known))

    async def guests_of(self, poll_id: str) -> str:
        """What a poll tells those who have no token yet: ``open``, ``invited``, or nothing.

        Nothing, too, where there is no such poll, or it cannot be told at the moment.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                known = await self._polls.get(poll_id)
        except Exception as error:
            if not (isinstance(error, PollNotFound | TimeoutError) or is_outage(error)):
                raise
            return ""
        return "" if known.poll.guests == NO_GUESTS else str(known.poll.guests)

    async def admits(self, caller: Caller, known: KnownPoll) -> bool:
        """Whether this poll, as it is known, admits the caller."""
        return await self._doors.admits(caller, known.poll.guests, known.id)

    async def _shut(self, caller: Caller, known: dict[str, KnownPoll]) -> list[str]:
        return [i for i, one in known.items() if not await self.admits(caller, one)]


def check_still_admits(poll: Poll, guests: str | None) -> None:
    """Raises :class:`~quickpoll.errors.GuestsNotAllowed` where a guest was let in by what the poll
    said before, ``guests``, and it says another thing now. ``None`` is no guest.

    Whoever is refused by an edit in the very moment may come again and be judged by it.
    """
    if guests is not None and poll.guests != guests:
        raise GuestsNotAllowed
