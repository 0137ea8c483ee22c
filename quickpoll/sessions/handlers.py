"""What the routes of sessions do, apart from any framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import orjson

from quickpoll.auth.caller import Caller
from quickpoll.auth.doors import Doors
from quickpoll.counting.counted_path import CountedPath
from quickpoll.errors import QuickPollError
from quickpoll.foundation.http.answers import Reply, json_reply, nothing
from quickpoll.idempotency.once import Asked, Made, Once
from quickpoll.polls.ids import checked_id
from quickpoll.polls.rules import manages as manages_poll
from quickpoll.results.cursors import read_cursor, write_cursor
from quickpoll.results.poll_view import PollView, PollViews
from quickpoll.sessions import export
from quickpoll.sessions.bodies import NewSession, SessionQuery, SessionUpdate, Step, fields_of
from quickpoll.sessions.changes import SessionChanges
from quickpoll.sessions.models import Session
from quickpoll.sessions.rules import check_manages
from quickpoll.sessions.store import SessionStore

SESSION_ADDRESS = "/api/session/get-session/"
OPERATION = "create-session"


class SessionHandlers:
    """Create, read, change and export sessions."""

    def __init__(
        self,
        sessions: SessionStore,
        changes: SessionChanges,
        views: PollViews,
        once: Once,
        path: CountedPath,
        doors: Doors,
        guests_in: Callable[[PollView], Awaitable[int]],
    ) -> None:
        self._sessions = sessions
        self._changes = changes
        self._views = views
        self._once = once
        self._path = path
        self._doors = doors
        self._guests_in = guests_in

    async def create(self, caller: Caller, new: NewSession) -> Reply:
        """Create a session."""
        session = await self._changes.prepare(caller, new)
        await self._changes.create(session)
        return json_reply(_encoded(session), 201, _headers(session.id))

    async def create_once(self, caller: Caller, new: NewSession, key: str, value: Any) -> Reply:
        """Create a session under a key; the same body again is answered as it was.

        Raises :class:`~quickpoll.errors.IdempotencyKeyReused`.
        """
        prepared = await self._prepared(caller, new)

        def make() -> Made:
            # Refused only here: what was made before is answered, whatever has become of its polls.
            if isinstance(prepared, QuickPollError):
                raise prepared
            return Made(prepared.model_dump_doc(), _encoded(prepared))

        asked = Asked(caller.user_id, OPERATION, key, value)
        outcome = await self._path.whole(
            self._once.carry_out(asked, make, self._changes.store_once)
        )
        headers = _headers(outcome.made.document["_id"])
        if outcome.replayed:
            headers["Idempotent-Replayed"] = "true"
        return json_reply(outcome.made.answer, 201, headers)

    async def _prepared(self, caller: Caller, new: NewSession) -> Session | QuickPollError:
        try:
            return await self._changes.prepare(caller, new)
        except QuickPollError as error:
            return error

    async def one(self, caller: Caller, session_id: str) -> Reply:
        """A session, for whoever has its id, guests whom it does not admit aside."""
        session = await self._sessions.get(_checked(session_id))
        await self._doors.check(caller, session.guests, str(session.id))
        return json_reply(_encoded(session))

    async def own(self, caller: Caller, query: SessionQuery, address: str) -> Reply:
        """A page of the caller's own sessions, newest first, of the list at that address."""
        list_name = f"sessions:{caller.user_id}"
        behind = None
        if query.cursor is not None:
            _, created_at, last = read_cursor(list_name, query.cursor)
            behind = created_at, last
        found = await self._sessions.of_user(caller.user_id, behind, query.limit + 1)
        page, headers = found[: query.limit], {}
        if len(found) > query.limit:
            cursor = write_cursor(list_name, 0, page[-1].created_at, page[-1].id)
            asked = urlencode({"limit": query.limit, "cursor": cursor})
            headers["Link"] = f'<{address}?{asked}>; rel="next"'
        return json_reply([fields_of(one) for one in page], headers=headers)

    async def update(self, caller: Caller, session_id: str, asked: SessionUpdate) -> Reply:
        """Change a session."""
        return _reply(await self._changes.update(caller, _checked(session_id), asked))

    async def step(self, caller: Caller, session_id: str, asked: Step) -> Reply:
        """Go to a poll, or to the lobby."""
        return _reply(await self._changes.step(caller, _checked(session_id), asked))

    async def end(self, caller: Caller, session_id: str) -> Reply:
        """End a session."""
        return _reply(await self._changes.end(caller, _checked(session_id)))

    async def delete(self, caller: Caller, session_id: str) -> Reply:
        """Delete a session."""
        await self._changes.delete(caller, _checked(session_id))
        return nothing(204)

    async def export(self, caller: Caller, session_id: str, kind: str) -> Reply:
        """The results of all polls as a file, for the owner or an admin."""
        session = await self._sessions.get(_checked(session_id))
        check_manages(caller, session)
        found = await self._views.many(caller, [str(one) for one in session.poll_ids])
        # An admin may have put in polls of others, whose results are not the owner's to have.
        views = [view for view in found if manages_poll(caller, view.known.poll)]
        name = f'attachment; filename="session-{session.id}.{kind}"'
        headers = {"Content-Disposition": name}
        if kind == "csv":
            body = export.as_csv(views).encode()
            return Reply(200, body, headers, "text/csv; charset=utf-8")
        counted = [(view, await self._guests_in(view)) for view in views]
        return json_reply(export.as_json(counted), headers=headers)


def _checked(session_id: str) -> str:
    return checked_id("session_id", session_id)


def _encoded(session: Session) -> bytes:
    return orjson.dumps(fields_of(session))


def _reply(session: Session) -> Reply:
    return json_reply(_encoded(session))


def _headers(session_id: object) -> dict[str, str]:
    return {"Location": f"{SESSION_ADDRESS}{session_id}"}
