"""What the liking routes do, apart from any framework."""

from __future__ import annotations

from quickpoll.auth.caller import Caller
from quickpoll.counting.reading import TallyReader
from quickpoll.errors import PollNotFound
from quickpoll.foundation.http.answers import Reply, json_reply
from quickpoll.likes.liking import Liking
from quickpoll.likes.rules import Act
from quickpoll.polls.entry import PollEntry
from quickpoll.polls.ids import checked_id


class LikeHandlers:
    """Like a poll, or do not."""

    def __init__(self, liking: Liking, tallies: TallyReader, entry: PollEntry) -> None:
        self._liking = liking
        self._tallies = tallies
        self._entry = entry

    async def act(self, caller: Caller, poll_id: str, act: Act) -> Reply:
        """Set, unset or toggle the caller's like.

        Raises :class:`~quickpoll.errors.PollNotFound` and
        :class:`~quickpoll.errors.GuestsNotAllowed`.
        """
        poll = checked_id("poll_id", poll_id)
        guests = await self._entry.enter(caller, poll)
        liked = await self._liking.act(caller.user_id, poll, act, guests)
        tally = await self._tallies.read_one(poll)
        if tally is None:
            raise PollNotFound
        body = {"pollId": poll, "userId": caller.user_id, "liked": liked, "likes": tally.likes}
        return json_reply(body)
