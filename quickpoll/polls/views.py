"""POST /create-poll and POST /create-polls."""

from __future__ import annotations

from datetime import UTC, datetime

from quart import Blueprint, Response, request
from quart_schema import validate_request

from quickpoll.auth.web import current_caller
from quickpoll.errors import Forbidden, IdempotencyKeyReused
from quickpoll.foundation.http.answers import Reply, json_reply
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.idempotency.rules import HEADER, checked_key
from quickpoll.polls.bodies import NewPoll, PollBody
from quickpoll.polls.handlers import PollHandlers
from quickpoll.polls.several import CreatedPolls, NewPolls
from quickpoll.polls.store import KnownPoll


def poll_reply(known: KnownPoll) -> Reply:
    """A poll as it is answered."""
    return json_reply(known.encoded(datetime.now(UTC)))


created_poll = Answer(201, "The new poll.", PollBody, headers={"Location": "where the poll is"})

_created_once = Answer(
    201,
    "The new poll.",
    PollBody,
    headers={
        "Location": "where the poll is",
        "Idempotent-Replayed": "`true` where this was answered before, under the same key",
    },
)


def blueprint(handlers: PollHandlers) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("polls", __name__, url_prefix="/api/poll")

    @views.post("/create-poll")
    @validate_request(NewPoll)
    @documented(
        _created_once,
        errors=(Forbidden, IdempotencyKeyReused),
        headers={
            HEADER: "1 to 64 visible ASCII characters of your own: the same body again under the "
            "same key is the same poll, for 24 hours"
        },
    )
    async def create_poll(data: NewPoll) -> Response:
        """Create a poll.

        The caller becomes its owner, or whom an administrator names. Votes are taken at once, until
        `closesAt` or a close.
        """
        caller, keys = current_caller(), request.headers.getlist(HEADER)
        if not keys:
            return (await handlers.create(caller, data)).response()
        key, value = checked_key(", ".join(keys)), await request.get_json()
        return (await handlers.create_once(caller, data, key, value)).response()

    @views.post("/create-polls")
    @validate_request(NewPolls)
    @documented(Answer(200, "What came of each, in order.", CreatedPolls))
    async def create_polls(data: NewPolls) -> Response:
        """Create several polls, each on its own: one that is refused keeps no other from it."""
        return (await handlers.create_many(current_caller(), data.polls)).response()

    return views
