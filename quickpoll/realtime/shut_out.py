"""Guests who follow a poll that admits them no longer.

Before the first vote an owner may change whom a poll admits. Whoever was let in by what it said
before hears of that change, and then of nothing more: on every instance, as each looks at the poll
before it shows it. So here is kept by what the followers of a poll were judged last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from quickpoll.polls.entry import PollEntry
from quickpoll.polls.store import KnownPoll
from quickpoll.realtime.audience import Audience, Client
from quickpoll.realtime.pending_changes import keep

Leave = Callable[[Client, Iterable[str]], None]
"""Takes a client out of these polls."""


class ShutOut:
    """Finds guests who have to go, and shows them out."""

    def __init__(self, audience: Audience, entry: PollEntry, leave: Leave) -> None:
        self._audience = audience
        self._entry = entry
        self._leave = leave
        self._judged_by: dict[str, str] = {}  # {poll id: what it said of guests}
        self._to_go: dict[str, list[Client]] = {}

    async def judge(self, polls: Iterable[KnownPoll]) -> None:
        """Look at the guests who follow these polls, where what a poll says of them is new."""
        for known in polls:
            if self._judged_by.get(known.id) == known.poll.guests:
                continue
            guests = [one for one in self._audience.followers(known.id) if one.caller.guest]
            shut = [one for one in guests if not await self._entry.admits(one.caller, known)]
            keep(self._judged_by, known.id, known.poll.guests)
            if shut:
                self._to_go[known.id] = shut

    def show_out(self, poll_id: str) -> None:
        """Let those go who were found; they have heard why."""
        for client in self._to_go.pop(poll_id, ()):
            self._leave(client, [poll_id])
