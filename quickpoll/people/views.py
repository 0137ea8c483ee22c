"""GET /api/user/me, and a person's data: to take home, to erase."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from quart import Blueprint, Response, request

from quickpoll.auth.web import current_caller
from quickpoll.errors import Forbidden, NotFound
from quickpoll.foundation.http.answers import JSON_MEDIA_TYPE, json_reply
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.people.bodies import (
    ErasureBody,
    ErasureStatusBody,
    MeBody,
    PersonBody,
    fields_of,
)
from quickpoll.people.handlers import PeopleHandlers


def blueprint(handlers: PeopleHandlers) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("people", __name__, url_prefix="/api/user")

    @views.get("/me")
    @documented(Answer(200, "The caller, as their token says.", MeBody))
    async def me() -> Response:
        """Tell callers whom the service takes them for.

        The id is the one that polls, ballots and results are theirs by, which need not be the one
        in the token (`JWT_USER_IDS`).
        """
        return json_reply(fields_of(current_caller())).response()

    @views.get("/export-user/<user_id>")
    @documented(
        Answer(
            200,
            "Everything that is held of the person.",
            PersonBody,
            headers={"Content-Disposition": "attachment, with a file name"},
        ),
        errors=(Forbidden, NotFound),
    )
    async def export_user(user_id: str) -> Response:
        """A person's data to take home, for that person and administrators.

        No counts are in it: what a poll of somebody else hides stays hidden.
        """
        headers, first, rest = await handlers.export(current_caller(), user_id)
        body = b"" if request.method == "HEAD" else _all(first, rest)
        answer = Response(body, 200, headers, content_type=JSON_MEDIA_TYPE)
        answer.timeout = None  # as long as whoever reads it goes on reading
        return answer

    @views.post("/erase-user/<user_id>")
    @documented(
        Answer(
            202,
            "It will be done, whatever dies; the same again is the same job.",
            ErasureBody,
            headers={"Location": "where its status is"},
        ),
        errors=(Forbidden, NotFound),
    )
    async def erase_user(user_id: str) -> Response:
        """Erase a person's data, for that person and administrators.

        Ballots and likes on open polls are taken back, on closed ones they belong to nobody and the
        result stays. Own polls go, or are nobody's where others have voted; histories name nobody.
        Until it is done nothing new is taken from the person (403). Afterwards they are somebody
        new, but on polls where they had voted: there they have voted already (409).
        """
        return (await handlers.erase(current_caller(), user_id)).response()

    @views.get("/erasure/<job_id>")
    @documented(Answer(200, "How far it is.", ErasureStatusBody), errors=(NotFound,))
    async def erasure(job_id: str) -> Response:
        """How far an erasure is, for whose it is and administrators."""
        return (await handlers.status(current_caller(), job_id)).response()

    return views


async def _all(first: Awaitable[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield await first
    async for piece in rest:
        yield piece
