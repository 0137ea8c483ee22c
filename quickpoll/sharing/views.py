"""POST /share-poll and POST /share-session."""

from __future__ import annotations

from quart import Blueprint, Response, request

from quickpoll.auth.web import current_caller
from quickpoll.errors import Forbidden, NotFound, PollNotFound
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.sharing.bodies import ShareBody
from quickpoll.sharing.handlers import CodeHandlers

_code = Answer(200, "The code.", ShareBody)


def _asked_at() -> str:
    """The origin that was asked; empty where the caller named no host that could be one."""
    return request.host_url.rstrip("/") if request.host else ""


def blueprint(handlers: CodeHandlers) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("sharing", __name__)

    @views.post("/api/poll/share-poll/<poll_id>")
    @documented(_code, errors=(PollNotFound, Forbidden))
    async def share_poll(poll_id: str) -> Response:
        """A short code that leads to the poll: the same again as long as it lives.

        It ends a day after the poll was closed, and at once where that is deleted.
        """
        caller, origin = current_caller(), _asked_at()
        return (await handlers.share(caller, "poll", poll_id, origin)).response()

    @views.post("/api/session/share-session/<session_id>")
    @documented(_code, errors=(NotFound, Forbidden))
    async def share_session(session_id: str) -> Response:
        """A short code that leads to the session: the same again as long as it lives.

        It ends a day after the session has ended, and at once where that is deleted.
        """
        caller, origin = current_caller(), _asked_at()
        return (await handlers.share(caller, "session", session_id, origin)).response()

    return views
