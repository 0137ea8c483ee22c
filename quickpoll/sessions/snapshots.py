"""What followers of a session see: the session, and the poll that is present."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from quickpoll.auth.caller import Caller
from quickpoll.auth.doors import Doors
from quickpoll.errors import NotFound
from quickpoll.foundation.stores.mongo import is_outage
from quickpoll.polls.bodies import fields_of as poll_fields
from quickpoll.polls.entry import PATIENCE_SECONDS
from quickpoll.polls.models import NO_GUESTS
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.sessions.bodies import fields_of
from quickpoll.sessions.models import DELETED, Session
from quickpoll.sessions.store import NO_SESSION, SessionStore


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """A session at one version, as events carry it; ``gone`` where it was deleted."""

    version: int
    payload: dict[str, Any]
    gone: bool = False

    def deleted(self, version: int) -> SessionSnapshot:
        """The same session, deleted at that version."""
        said = {"at": None, "status": DELETED, "version": version, "poll": None}
        return SessionSnapshot(version, {**self.payload, **said}, gone=True)


class SessionSnapshots:
    """Reads sessions for those who follow them. From MongoDB, and never from memory: what is read
    after a write was answered includes it."""

    def __init__(self, sessions: SessionStore, polls: PollStore, doors: Doors) -> None:
        self._sessions = sessions
        self._polls = polls
        self._doors = doors

    async def check(self, caller: Caller, session_id: str, found: SessionSnapshot | None) -> None:
        """Whether somebody may follow a session that was just found, or was not.

        Raises :class:`~quickpoll.errors.NotFound` and
        :class:`~quickpoll.errors.GuestsNotAllowed`.
        """
        if found is None or found.gone:
            raise NotFound(NO_SESSION)
        await self._doors.check(caller, found.payload["guests"], session_id)

    async def guests_of(self, session_id: str) -> str:
        """What a session tells those who have no token yet: ``open``, ``invited``, or nothing.

        Nothing, too, where there is no such session, or it cannot be told at the moment.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                session = await self._sessions.known(session_id)
        except Exception as error:
            if not (isinstance(error, TimeoutError) or is_outage(error)):
                raise
            return ""
        if session is None or session.deleted_at is not None or session.guests == NO_GUESTS:
            return ""
        return str(session.guests)

    async def read(self, session_ids: Iterable[str]) -> dict[str, SessionSnapshot]:
        """Those of the sessions that there are, or were not long ago."""
        return await self._snapshots(await self._sessions.known_many(session_ids))

    async def versions(self, session_ids: Iterable[str]) -> dict[str, int]:
        """The versions of those of the sessions that there are, or were not long ago."""
        return await self._sessions.versions(session_ids)

    async def _snapshots(self, sessions: dict[str, Session]) -> dict[str, SessionSnapshot]:
        present = {str(one.present) for one in sessions.values() if one.present is not None}
        polls = await self._polls.fresh_many(sorted(present)) if present else {}
        return {
            session_id: SessionSnapshot(
                one.revision,
                {**fields_of(one), "poll": _present(polls.get(str(one.present)))},
                gone=one.deleted_at is not None,
            )
            for session_id, one in sessions.items()
        }


def _present(known: KnownPoll | None) -> dict[str, Any] | None:
    if known is None:
        return None
    fields = poll_fields(known.poll, datetime.now(UTC))
    return {name: fields[name] for name in ("id", "question", "options")}
