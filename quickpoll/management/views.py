"""What its owner may do to a poll, and its history for all who may see it."""

from __future__ import annotations

from quart import Blueprint, Response
from quart_schema import validate_request

from quickpoll.auth.web import current_caller
from quickpoll.errors import Forbidden, Locked, PollHasVotes, PollNotFound
from quickpoll.foundation.concurrency.time_limits import CHANGE_ANSWER_SECONDS
from quickpoll.foundation.http.answers import json_reply, nothing
from quickpoll.foundation.http.requests import answered_within
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.management.bodies import HistoryRow, PollUpdate
from quickpoll.management.changes import PollChanges
from quickpoll.management.deletion import PollDeletion
from quickpoll.polls.bodies import PollBody
from quickpoll.polls.handlers import created_reply
from quickpoll.polls.ids import checked_id
from quickpoll.polls.views import created_poll, poll_reply

_poll = Answer(200, "The poll as it now is.", PollBody)
_OWNERS = (PollNotFound, Forbidden)


def blueprint(changes: PollChanges, deletion: PollDeletion) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("management", __name__, url_prefix="/api/poll")

    @views.patch("/update-poll/<poll_id>")
    @answered_within(CHANGE_ANSWER_SECONDS)
    @validate_request(PollUpdate)
    @documented(_poll, errors=(*_OWNERS, PollHasVotes, Locked))
    async def update_poll(poll_id: str, data: PollUpdate) -> Response:
        """Change a poll.

        From the first vote on, question and options are fixed (`poll_has_votes`), and so are
        `minChoices`, `maxChoices` and `allowVoteChange`; `results` cannot become more open
        before the close (`locked`). Taking the votes back unlocks nothing. Before it, `options` may
        be a new list. A poll that its deadline has closed is opened by nothing but `reopen-poll`.
        """
        poll = checked_id("poll_id", poll_id)
        return poll_reply(await changes.update(current_caller(), poll, data)).response()

    @views.post("/close-poll/<poll_id>")
    @answered_within(CHANGE_ANSWER_SECONDS)
    @documented(_poll, errors=_OWNERS)
    async def close_poll(poll_id: str) -> Response:
        """Close a poll; a closed one stays closed.

        The answer comes when no vote that was under way can still change what is read: as a rule at
        once, after up to 4 s where a writer has died. Where it takes longer: 503, and the same
        again is safe.
        """
        poll = checked_id("poll_id", poll_id)
        return poll_reply(await changes.close(current_caller(), poll)).response()

    @views.post("/reopen-poll/<poll_id>")
    @answered_within(CHANGE_ANSWER_SECONDS)
    @documented(_poll, errors=_OWNERS)
    async def reopen_poll(poll_id: str) -> Response:
        """Open a poll again; a deadline that has passed is cleared."""
        poll = checked_id("poll_id", poll_id)
        return poll_reply(await changes.reopen(current_caller(), poll)).response()

    @views.delete("/delete-poll/<poll_id>")
    @answered_within(CHANGE_ANSWER_SECONDS)
    @documented(Answer(204, "Nothing is left of the poll."), errors=_OWNERS)
    async def delete_poll(poll_id: str) -> Response:
        """Delete a poll with its votes, likes, history and counts."""
        await deletion.delete(current_caller(), checked_id("poll_id", poll_id))
        return nothing(204).response()

    @views.post("/duplicate-poll/<poll_id>")
    @documented(created_poll, errors=(PollNotFound,))
    async def duplicate_poll(poll_id: str) -> Response:
        """A new open poll of the caller's own: same question, options and settings."""
        poll = checked_id("poll_id", poll_id)
        return created_reply(await changes.duplicate(current_caller(), poll)).response()

    @views.get("/poll-history/<poll_id>")
    @documented(Answer(200, "The changes, oldest first.", list[HistoryRow]), errors=(PollNotFound,))
    async def poll_history(poll_id: str) -> Response:
        """What was changed about a poll since it was created, for all who may see it."""
        return json_reply(
            await changes.history(current_caller(), checked_id("poll_id", poll_id))
        ).response()

    return views
