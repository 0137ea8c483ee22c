"""The pages of sessions, for their codes."""

from __future__ import annotations

from collections.abc import Iterable

from quickpoll.auth.caller import Caller
from quickpoll.sessions.models import Session
from quickpoll.sessions.rules import check_manages
from quickpoll.sessions.store import SessionStore
from quickpoll.sharing.pages import SharedPage


class SharedSessions:
    """Sessions are over when they have ended."""

    kind = "session"

    def __init__(self, sessions: SessionStore) -> None:
        self._sessions = sessions

    async def managed(self, caller: Caller, target: str) -> SharedPage:
        """The page of a session, for its owner or an admin.

        Raises :class:`~quickpoll.errors.NotFound` and :class:`~quickpoll.errors.Forbidden`.
        """
        session = await self._sessions.get(target)
        check_manages(caller, session)
        return _page(session)

    async def pages(self, targets: Iterable[str]) -> dict[str, SharedPage]:
        """The pages of those of the sessions that there are."""
        known = await self._sessions.known_many(targets)
        return {i: _page(one) for i, one in known.items() if one.deleted_at is None}


def _page(session: Session) -> SharedPage:
    return SharedPage(f"/sessions/{session.id}", session.ended_at)
