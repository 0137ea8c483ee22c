"""The routes of invites to a session."""

from __future__ import annotations

from quart import Blueprint, Response
from quart_schema import validate_request

from quickpoll.auth.web import current_caller
from quickpoll.errors import Forbidden, NotFound
from quickpoll.foundation.concurrency.time_limits import CHANGE_ANSWER_SECONDS
from quickpoll.foundation.http.answers import nothing
from quickpoll.foundation.http.requests import answered_within
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.guests.bodies import InvitesBody, NewInvites
from quickpoll.guests.parts import GuestParts
from quickpoll.polls.ids import checked_id
from quickpoll.sessions.rules import check_manages
from quickpoll.sessions.store import SessionStore


def blueprint(guests: GuestParts, sessions: SessionStore) -> Blueprint:
    """The routes. Where the service admits no guests, there is nothing there."""
    views = Blueprint("invites", __name__, url_prefix="/api/session/invite-guests")

    made = guests.handlers

    @views.before_request
    async def only_where_guests_are() -> None:
        if made is None:
            raise NotFound

    async def own(session_id: str) -> str:
        session = await sessions.get(checked_id("session_id", session_id))
        check_manages(current_caller(), session)
        return str(session.id)

    @views.post("/<session_id>")
    @answered_within(CHANGE_ANSWER_SECONDS)
    @validate_request(NewInvites)
    @documented(
        Answer(201, "The invites, shown this once.", InvitesBody), errors=(NotFound, Forbidden)
    )
    async def invite_to_session(session_id: str, data: NewInvites) -> Response:
        """Make invites to a session, good for all its polls; for its owner and admins.

        Each lets one guest vote, on however many devices, where `guests` is `invited`. Only their
        hashes are kept.
        """
        assert made is not None  # noqa: S101 - asked before each request
        return (await made.invites.invite(await own(session_id), data.count)).response()

    @views.delete("/<session_id>")
    @documented(
        Answer(204, "Nobody can enter any more by an invite that was not used."),
        errors=(NotFound, Forbidden),
    )
    async def withdraw_session_invites(session_id: str) -> Response:
        """Withdraw the invites to a session that nobody has used; for its owner and admins."""
        assert made is not None  # noqa: S101 - asked before each request
        await made.invites.withdraw(await own(session_id))
        return nothing(204).response()

    return views
