"""POST /guest, and the invites to a poll."""

from __future__ import annotations

from quart import Blueprint, Response, request
from quart_schema import validate_request

from quickpoll.auth.web import current_caller
from quickpoll.errors import (
    Forbidden,
    InvalidToken,
    NotFound,
    PollNotFound,
    ProofRequired,
    RateLimited,
    Unavailable,
)
from quickpoll.foundation.concurrency.time_limits import CHANGE_ANSWER_SECONDS
from quickpoll.foundation.http.answers import nothing
from quickpoll.foundation.http.requests import answered_within
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.guests.bodies import GuestBody, GuestEntry, InvitesBody, NewInvites
from quickpoll.guests.parts import GuestParts
from quickpoll.polls.ids import checked_id
from quickpoll.polls.rules import check_manages
from quickpoll.polls.store import PollStore

_BEFORE_A_POLL = (PollNotFound, Forbidden)


def blueprint(parts: GuestParts, polls: PollStore) -> Blueprint:
    """The routes of this package. Where the service admits no guests, there is nothing there."""
    views = Blueprint("guests", __name__)
    made = parts.handlers

    @views.before_request
    async def only_where_guests_are() -> None:
        if made is None:
            raise NotFound

    async def own_poll(poll_id: str) -> str:
        poll = checked_id("poll_id", poll_id)
        check_manages(current_caller(), (await polls.fresh(poll)).poll)
        return poll

    @views.post("/guest")
    @validate_request(GuestEntry)
    @documented(
        Answer(201, "A new guest; with an invite, the first to come by it.", GuestBody),
        Answer(200, "A fresh token of a guest who was here before.", GuestBody),
        errors=(InvalidToken, ProofRequired, NotFound, RateLimited, Unavailable),
    )
    async def enter_as_guest(data: GuestEntry) -> Response:
        """Get a guest's token, without an account.

        It is good for 12 hours, for polls and sessions that admit guests. With a guest's own token
        in `Authorization`, good or expired for less than 30 days, the fresh one is the same
        guest's. Where many new guests come from one address, each has to bring a proof of work:
        solve the `challenge` and send the same with `proof`.
        """
        assert made is not None  # noqa: S101 - asked before each request
        head = request.headers.get("Authorization")
        return (await made.guests.enter(data, head, request.remote_addr or "")).response()

    @views.post("/api/poll/invite-guests/<poll_id>")
    @answered_within(CHANGE_ANSWER_SECONDS)
    @validate_request(NewInvites)
    @documented(Answer(201, "The invites, shown this once.", InvitesBody), errors=_BEFORE_A_POLL)
    async def invite_guests(poll_id: str, data: NewInvites) -> Response:
        """Make invites to a poll; for its owner and admins.

        Each lets one guest vote, on however many devices, where the poll's `guests` is `invited`.
        Only their hashes are kept.
        """
        assert made is not None  # noqa: S101 - asked before each request
        poll = await own_poll(poll_id)
        return (await made.invites.invite(poll, data.count)).response()

    @views.delete("/api/poll/invite-guests/<poll_id>")
    @documented(
        Answer(204, "Nobody can enter any more by an invite that was not used."),
        errors=_BEFORE_A_POLL,
    )
    async def withdraw_invites(poll_id: str) -> Response:
        """Withdraw the invites to a poll that nobody has used; for its owner and admins."""
        assert made is not None  # noqa: S101 - asked before each request
        await made.invites.withdraw(await own_poll(poll_id))
        return nothing(204).response()

    return views
