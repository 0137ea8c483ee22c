"""Liking a poll: a toggle, and the idempotent pair."""

from __future__ import annotations

from quart import Blueprint, Response

from quickpoll.auth.web import current_caller
from quickpoll.errors import PollNotFound
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.likes.bodies import LikeBody
from quickpoll.likes.handlers import LikeHandlers
from quickpoll.likes.rules import Act

_liked = Answer(200, "Whether the caller likes the poll now, and how many do.", LikeBody)


def blueprint(handlers: LikeHandlers) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("likes", __name__, url_prefix="/api/poll")

    @views.post("/like-poll/<poll_id>")
    @documented(_liked, errors=(PollNotFound,))
    async def toggle_like(poll_id: str) -> Response:
        """Like a poll, or take the like back."""
        return (await handlers.act(current_caller(), poll_id, Act.TOGGLE)).response()

    @views.put("/like-poll/<poll_id>")
    @documented(_liked, errors=(PollNotFound,))
    async def set_like(poll_id: str) -> Response:
        """Like a poll; doing so twice changes nothing."""
        return (await handlers.act(current_caller(), poll_id, Act.SET)).response()

    @views.delete("/like-poll/<poll_id>")
    @documented(_liked, errors=(PollNotFound,))
    async def unset_like(poll_id: str) -> Response:
        """Do not like a poll (any more)."""
        return (await handlers.act(current_caller(), poll_id, Act.UNSET)).response()

    return views
