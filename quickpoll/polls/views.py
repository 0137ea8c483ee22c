"""POST /create-poll."""

from __future__ import annotations

from datetime import UTC, datetime

from quart import Blueprint, Response
from quart_schema import validate_request

from quickpoll.auth.web import current_caller
from quickpoll.foundation.http.answers import Reply, json_reply
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.polls.bodies import NewPoll, PollBody
from quickpoll.polls.creation import PollCreation
from quickpoll.polls.store import KnownPoll

POLL_ADDRESS = "/api/poll/get-poll-by-id/"


def poll_reply(known: KnownPoll, status: int = 200) -> Reply:
    """A poll as it is answered; a new one says where it is."""
    headers = {"Location": POLL_ADDRESS + known.id} if status == 201 else {}
    return json_reply(known.encoded(datetime.now(UTC)), status, headers)


created_poll = Answer(201, "The new poll.", PollBody, headers={"Location": "where the poll is"})


def blueprint(creation: PollCreation) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("polls", __name__, url_prefix="/api/poll")

    @views.post("/create-poll")
    @validate_request(NewPoll)
    @documented(created_poll)
    async def create_poll(data: NewPoll) -> Response:
        """Create a poll.

        The caller becomes its owner. Votes are taken at once, until `closesAt` or a close.
        """
        return poll_reply(await creation.create(data, current_caller().user_id), 201).response()

    return views
