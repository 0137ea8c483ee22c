"""The routes of sessions."""

from __future__ import annotations

from quart import Blueprint, Response, request
from quart_schema import validate_querystring, validate_request

from quickpoll.auth.web import current_caller
from quickpoll.errors import (
    Forbidden,
    GuestsDiffer,
    GuestsNotAllowed,
    IdempotencyKeyReused,
    Locked,
    NotFound,
    PollNotFound,
    SessionChanged,
    SessionEnded,
)
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.idempotency.rules import HEADER, checked_key
from quickpoll.results.bodies import ExportBody, ExportQuery
from quickpoll.results.export import table
from quickpoll.sessions.bodies import NewSession, SessionBody, SessionQuery, SessionUpdate, Step
from quickpoll.sessions.export import COLUMNS
from quickpoll.sessions.handlers import SessionHandlers

_session = Answer(200, "The session as it now is.", SessionBody)
_created = Answer(
    201,
    "The new session.",
    SessionBody,
    headers={
        "Location": "where the session is",
        "Idempotent-Replayed": "`true` where this was answered before, under the same key",
    },
)
_page = Answer(
    200,
    "A page of sessions.",
    list[SessionBody],
    headers={"Link": 'the next page, rel="next"; absent on the last'},
)
_file = Answer(
    200,
    "The results as a file.",
    list[ExportBody],
    headers={"Content-Disposition": "attachment, with a file name"},
    texts={"text/csv": table(COLUMNS, [["When shall we meet?", "Monday", 12, "63.2"]])},
)
_OWNERS = (NotFound, Forbidden)


def _here() -> str:
    """The address of this list, without a host where the caller named none that could be one."""
    return request.base_url if request.host else request.path


def blueprint(handlers: SessionHandlers) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("sessions", __name__, url_prefix="/api/session")

    @views.get("/get-session/<session_id>")
    @documented(Answer(200, "The session.", SessionBody), errors=(NotFound, GuestsNotAllowed))
    async def get_session(session_id: str) -> Response:
        """A session, for whoever has its id."""
        return (await handlers.one(current_caller(), session_id)).response()

    @views.get("/get-sessions")
    @validate_querystring(SessionQuery)
    @documented(_page)
    async def get_sessions(query_args: SessionQuery) -> Response:
        """The caller's own sessions, newest first."""
        return (await handlers.own(current_caller(), query_args, _here())).response()

    @views.get("/export-session/<session_id>")
    @validate_querystring(ExportQuery)
    @documented(_file, errors=_OWNERS)
    async def export_session(session_id: str, query_args: ExportQuery) -> Response:
        """The results of all its polls, in their order: a list of what `export-poll` answers, or
        one table. Polls that were deleted are not in it."""
        reply = await handlers.export(current_caller(), session_id, query_args.format)
        return reply.response()

    @views.post("/create-session")
    @validate_request(NewSession)
    @documented(
        _created,
        errors=(Forbidden, PollNotFound, GuestsDiffer, IdempotencyKeyReused),
        headers={
            HEADER: "1 to 64 visible ASCII characters of your own: the same body again under the "
            "same key is the same session, for 24 hours"
        },
    )
    async def create_session(data: NewSession) -> Response:
        """Create a session; it begins in the lobby.

        Its polls are the caller's own, and admit the same guests as the session.
        """
        caller, keys = current_caller(), request.headers.getlist(HEADER)
        if not keys:
            return (await handlers.create(caller, data)).response()
        key, value = checked_key(", ".join(keys)), await request.get_json()
        return (await handlers.create_once(caller, data, key, value)).response()

    @views.patch("/update-session/<session_id>")
    @validate_request(SessionUpdate)
    @documented(
        _session,
        errors=(*_OWNERS, PollNotFound, Locked, GuestsDiffer, SessionChanged, SessionEnded),
    )
    async def update_session(session_id: str, data: SessionUpdate) -> Response:
        """Change title and polls.

        A poll that was shown keeps its place (`locked`); the others may be reordered, and go. Once
        the session has ended its polls stay as they are (`session_ended`).
        """
        return (await handlers.update(current_caller(), session_id, data)).response()

    @views.post("/step-session/<session_id>")
    @validate_request(Step)
    @documented(_session, errors=(*_OWNERS, SessionChanged, SessionEnded))
    async def step_session(session_id: str, data: Step) -> Response:
        """Go to a poll, or to the lobby; everybody's page follows.

        Where it is there already nothing changes. Otherwise `ifVersion` has to be the present
        version: `session_changed` answers the session as it is, so that two presenters, or a
        double click, skip nothing.
        """
        return (await handlers.step(current_caller(), session_id, data)).response()

    @views.post("/end-session/<session_id>")
    @documented(_session, errors=_OWNERS)
    async def end_session(session_id: str) -> Response:
        """End a session; an ended one stays ended. Its polls stay as they are."""
        return (await handlers.end(current_caller(), session_id)).response()

    @views.delete("/delete-session/<session_id>")
    @documented(Answer(204, "The session is gone."), errors=_OWNERS)
    async def delete_session(session_id: str) -> Response:
        """Delete a session; its polls stay. The same again, within a day, is the same."""
        return (await handlers.delete(current_caller(), session_id)).response()

    return views
