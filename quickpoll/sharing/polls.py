"""The pages of polls, for their codes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from quickpoll.auth.caller import Caller
from quickpoll.polls.models import Poll
from quickpoll.polls.rules import check_manages
from quickpoll.polls.store import PollStore
from quickpoll.sharing.pages import SharedPage


class SharedPolls:
    """Polls are over when they are closed, by hand or by their deadline."""

    kind = "poll"

    def __init__(self, polls: PollStore) -> None:
        self._polls = polls

    async def managed(self, caller: Caller, target: str) -> SharedPage:
        """The page of a poll, for its owner or an admin.

        Raises :class:`~quickpoll.errors.PollNotFound` and :class:`~quickpoll.errors.Forbidden`.
        """
        poll = (await self._polls.fresh(target)).poll
        check_manages(caller, poll)
        return _page(poll)

    async def pages(self, targets: Iterable[str]) -> dict[str, SharedPage]:
        """The pages of those of the polls that there are."""
        known = await self._polls.fresh_many(targets)
        return {poll_id: _page(one.poll) for poll_id, one in known.items()}


def _page(poll: Poll) -> SharedPage:
    return SharedPage(f"/polls/{poll.id}", poll.closed_since(datetime.now(UTC)))
