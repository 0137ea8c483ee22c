"""POST /vote-on-poll, and the ballot as a resource."""

from __future__ import annotations

from quart import Blueprint, Response
from quart_schema import validate_request

from quickpoll.auth.web import current_caller
from quickpoll.errors import (
    AlreadyVoted,
    NotFound,
    OptionNotFound,
    PollClosed,
    PollNotFound,
    VoteChangeNotAllowed,
)
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.votes.bodies import BallotChoice, VoteBody
from quickpoll.votes.handlers import PROMISE_HEADER, VoteHandlers

_CASTING_ERRORS = (PollNotFound, OptionNotFound, AlreadyVoted, PollClosed)
_CAST = (
    Answer(201, "The ballot was cast.", VoteBody),
    Answer(200, "The same ballot stood already, or the ballot was changed.", VoteBody),
)


def blueprint(handlers: VoteHandlers) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("votes", __name__, url_prefix="/api/poll")

    @views.post("/vote-on-poll/<poll_id>/<option_id>")
    @documented(*_CAST, errors=_CASTING_ERRORS)
    async def vote_on_poll(poll_id: str, option_id: str) -> Response:
        """Vote for one option.

        The answer comes once a majority of the database's members has the vote in its journal.
        Sending the same vote again is safe: it is answered with 200 and the same `id`.
        """
        return (await handlers.vote(current_caller(), poll_id, option_id)).response()

    @views.get("/ballot/<poll_id>")
    @documented(Answer(200, "The ballot.", VoteBody), errors=(NotFound, PollNotFound))
    async def get_ballot(poll_id: str) -> Response:
        """The caller's whole ballot."""
        return (await handlers.get(current_caller(), poll_id)).response()

    @views.put("/ballot/<poll_id>")
    @validate_request(BallotChoice)
    @documented(*_CAST, errors=_CASTING_ERRORS)
    async def put_ballot(poll_id: str, data: BallotChoice) -> Response:
        """Cast or change the caller's whole ballot; the order of the options has no meaning."""
        return (await handlers.put(current_caller(), poll_id, data.option_ids)).response()

    @views.delete("/ballot/<poll_id>")
    @documented(
        Answer(
            204,
            "There is no ballot of the caller now.",
            headers={PROMISE_HEADER: "on a verifiable poll, the promise as base64 of its JSON"},
        ),
        errors=(PollNotFound, PollClosed, VoteChangeNotAllowed),
    )
    async def delete_ballot(poll_id: str) -> Response:
        """Take the caller's ballot back."""
        return (await handlers.delete(current_caller(), poll_id)).response()

    return views
