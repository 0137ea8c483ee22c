"""Liking a poll: a toggle, and the idempotent pair."""

from __future__ import annotations

from quart import Blueprint, Response

from quickpoll.auth.web import current_caller
from quickpoll.errors import PollNotFound
from quickpoll.foundation.answers import json_reply
from quickpoll.foundation.openapi import Answer, documented
from quickpoll.likes.bodies import LikeBody
from quickpoll.likes.liking import Act, Liking
from quickpoll.polls.ids import checked_id
from quickpoll.tallies.reading import TallyReader

_liked = Answer(200, "Whether the caller likes the poll now, and how many do.", LikeBody)


def blueprint(liking: Liking, tallies: TallyReader) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("likes", __name__, url_prefix="/api/poll")

    async def answer(poll_id: str, act: Act) -> Response:
        user, poll = current_caller().user_id, checked_id("poll_id", poll_id)
        liked = await liking.act(user, poll, act)
        tally = await tallies.one(poll)
        if tally is None:
            raise PollNotFound
        body = {"pollId": poll, "userId": user, "liked": liked, "likes": tally.likes}
        return json_reply(body).response()

    @views.post("/like-poll/<poll_id>")
    @documented(_liked, errors=(PollNotFound,))
    async def toggle_like(poll_id: str) -> Response:
        """Like a poll, or take the like back."""
        return await answer(poll_id, Act.TOGGLE)

    @views.put("/like-poll/<poll_id>")
    @documented(_liked, errors=(PollNotFound,))
    async def set_like(poll_id: str) -> Response:
        """Like a poll; doing so twice changes nothing."""
        return await answer(poll_id, Act.SET)

    @views.delete("/like-poll/<poll_id>")
    @documented(_liked, errors=(PollNotFound,))
    async def unset_like(poll_id: str) -> Response:
        """Do not like a poll (any more)."""
        return await answer(poll_id, Act.UNSET)

    return views
