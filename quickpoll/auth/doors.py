"""Which guests may enter what: the one rule, which every route and event asks.

Polls and sessions say whom they admit by one word each. Accounts may enter everywhere; what they
see there is for :mod:`quickpoll.results.rules`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from quickpoll.auth.caller import Caller
from quickpoll.errors import GuestsNotAllowed

OPEN, INVITED = "open", "invited"
"""What a poll or a session says of guests: any; those who were invited. Anything else is nobody."""


class Invitations(Protocol):
    """Knows who came by which invite."""

    async def topic_of(self, user_id: str) -> str | None:
        """The poll or session that this guest was invited to; ``None`` for who came without."""


Holds = Callable[[str, str], Awaitable[bool]]
"""Whether the session of the first id has the poll of the second one."""


async def _holds_nothing(session_id: str, poll_id: str) -> bool:
    return False


class Doors:
    """Tells which guests are admitted.

    ``session_holds`` is set by whoever knows sessions: an invite to one is good for its polls.
    """

    def __init__(self, invitations: Invitations) -> None:
        self._invitations = invitations
        self.session_holds: Holds = _holds_nothing

    async def admits(self, caller: Caller, guests: str, topic_id: str) -> bool:
        """Whether the caller may enter the poll or session of that id, which admits ``guests``."""
        if not caller.guest or guests == OPEN:
            return True
        if guests != INVITED:
            return False
        invited_to = await self._invitations.topic_of(caller.user_id)
        if invited_to is None or invited_to == topic_id:
            return invited_to is not None
        return await self.session_holds(invited_to, topic_id)

    async def check(self, caller: Caller, guests: str, topic_id: str) -> None:
        """Raises :class:`~quickpoll.errors.GuestsNotAllowed` unless :meth:`admits`."""
        if not await self.admits(caller, guests, topic_id):
            raise GuestsNotAllowed
