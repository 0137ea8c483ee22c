"""GET /api/user/me."""

from __future__ import annotations

from quart import Blueprint, Response

from quickpoll.auth.web import current_caller
from quickpoll.foundation.http.answers import json_reply
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.people.bodies import MeBody, fields_of


def blueprint() -> Blueprint:
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

    return views
