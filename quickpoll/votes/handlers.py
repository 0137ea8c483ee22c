"""What the voting routes do, apart from any framework."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

from quickpoll.auth.caller import Caller
from quickpoll.errors import NotFound, QuickPollError
from quickpoll.foundation.http.answers import Reply, json_reply, nothing
from quickpoll.foundation.observability import metrics
from quickpoll.polls.bodies import instant
from quickpoll.polls.entry import PollEntry
from quickpoll.polls.ids import checked_id
from quickpoll.polls.store import PollStore
from quickpoll.votes.batch import Outcome, Result
from quickpoll.votes.casting import Casting
from quickpoll.votes.store import Ballot, VoteStore

PROMISE_HEADER = "Quickpoll-Promise"
"""Of the answer to a retraction: the promise that it will be in the log."""


class VoteHandlers:
    """Cast, read and take back the caller's ballot."""

    def __init__(
        self, polls: PollStore, votes: VoteStore, casting: Casting, entry: PollEntry
    ) -> None:
        self._polls = polls
        self._votes = votes
        self._casting = casting
        self._entry = entry

    async def vote(self, caller: Caller, poll_id: str, option_id: str) -> Reply:
        """Cast one option as the whole ballot."""
        option = checked_id("option_id", option_id)
        return await self.put(caller, poll_id, [option])

    async def put(self, caller: Caller, poll_id: str, option_ids: Iterable[str]) -> Reply:
        """Make these options the caller's ballot: 201 for a new one, else 200."""
        poll = checked_id("poll_id", poll_id)
        guests = await self._entry.enter(caller, poll)
        result = await _counted(self._casting.cast(caller.user_id, poll, option_ids, guests))
        assert result.ballot is not None  # noqa: S101 - only a retraction may leave none
        status = 201 if result.outcome is Outcome.CREATED else 200
        body = ballot_body(result.ballot)
        if result.promise is not None:
            body["promise"] = result.promise.as_json()
        return json_reply(body, status)

    async def get(self, caller: Caller, poll_id: str) -> Reply:
        """The caller's ballot. Raises :class:`~quickpoll.errors.NotFound` where there is none."""
        poll = checked_id("poll_id", poll_id)
        if caller.guest:
            await self._entry.check(caller, (await self._polls.fresh(poll)).poll)
        ballot = await self._votes.find(caller.user_id, poll)
        if ballot is None:
            await self._polls.fresh(poll)
            raise NotFound("You have not voted on this poll.")
        return json_reply(ballot_body(ballot))

    async def delete(self, caller: Caller, poll_id: str) -> Reply:
        """Take the caller's ballot back; none there is no error."""
        poll = checked_id("poll_id", poll_id)
        guests = await self._entry.enter(caller, poll)
        result = await _counted(self._casting.retract(caller.user_id, poll, guests))
        promised = result.promise
        return nothing(204, {PROMISE_HEADER: promised.as_header()} if promised else None)


async def _counted(request: Awaitable[Result]) -> Result:
    """The result, counted by its outcome or by the error that it ends with."""
    try:
        result = await request
    except QuickPollError as error:
        metrics.votes_with(error.code).inc()
        raise
    metrics.votes_with(result.outcome.value).inc()
    return result


def ballot_body(ballot: Ballot) -> dict[str, object]:
    """A ballot as it is answered."""
    return {
        "id": ballot.id,
        "userId": ballot.user_id,
        "optionId": ballot.option_ids[0],
        "optionIds": ballot.option_ids,
        "pollId": ballot.poll_id,
        "createdAt": instant(ballot.created_at),
    }
