"""What a session may become, and who may say so: pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.errors import (
    Forbidden,
    GuestsDiffer,
    Locked,
    PollNotFound,
    SessionChanged,
    SessionEnded,
    invalid,
)
from quickpoll.polls.models import NO_GUESTS, Poll
from quickpoll.polls.rules import Offers
from quickpoll.polls.rules import manages as manages_poll
from quickpoll.sessions.bodies import NewSession, SessionUpdate, Step, fields_of
from quickpoll.sessions.models import DELETED, ENDED, LOBBY, RUNNING, Session

Fields = dict[str, Any]
"""Fields of the document that a change sets."""


def manages(caller: Caller, session: Session) -> bool:
    """Owners manage their own sessions, admins any."""
    return caller.admin or caller.user_id == str(session.user_id)


def check_manages(caller: Caller, session: Session) -> None:
    """Raises :class:`~quickpoll.errors.Forbidden` unless the session is the caller's to manage."""
    if not manages(caller, session):
        raise Forbidden("Only the owner of this session or an administrator may do this.")


def owner_of(new: NewSession, caller: Caller) -> str:
    """The user whose session the new one is to be.

    Raises :class:`~quickpoll.errors.Forbidden` where somebody else than an administrator says.
    """
    if "user_id" not in new.model_fields_set:
        return caller.user_id
    if not caller.admin:
        raise Forbidden(
            "Only an administrator may say whose session it is to be; leave userId out."
        )
    return new.user_id


def make(new: NewSession, user_id: str, now: datetime, offers: Offers) -> Session:
    """The session that ``new`` asks for, created at ``now`` (kept to the millisecond).

    Raises :class:`~quickpoll.errors.InvalidRequest` where it is to admit guests and nobody does.
    """
    if new.guests != NO_GUESTS and not offers.guests:
        raise invalid("guests", "This service admits no guests.")
    return Session(
        id=ObjectId(),
        title=new.title,
        user_id=ObjectId(user_id),
        created_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        poll_ids=[ObjectId(one) for one in new.poll_ids],
        guests=new.guests,
    )


def check_polls(
    caller: Caller, guests: str, wanted: Iterable[str], found: Mapping[str, Poll]
) -> None:
    """Whether a session of these ``guests`` may have the polls.

    Raises :class:`~quickpoll.errors.PollNotFound`, :class:`~quickpoll.errors.Forbidden` and
    :class:`~quickpoll.errors.GuestsDiffer`, in that order.
    """
    polls = [found.get(one) for one in wanted]
    if any(poll is None for poll in polls):
        raise PollNotFound("One of these polls is not there.")
    there = [poll for poll in polls if poll is not None]
    if not all(manages_poll(caller, poll) for poll in there):
        raise Forbidden("One of these polls is somebody else's.")
    if any(poll.guests != guests for poll in there):
        raise GuestsDiffer


def update(session: Session, asked: SessionUpdate) -> Fields:
    """What the request really changes.

    Raises :class:`~quickpoll.errors.SessionChanged`, :class:`~quickpoll.errors.SessionEnded`
    (what was shown that evening is no longer changed) and :class:`~quickpoll.errors.Locked`.
    """
    given = asked.model_fields_set
    if "if_version" in given:
        _check_version(session, asked.if_version)
    changed: Fields = {}
    if "title" in given and asked.title != session.title:
        changed["title"] = asked.title
    if "poll_ids" in given:
        wanted = [ObjectId(one) for one in asked.poll_ids]
        if wanted != session.poll_ids:
            if session.status == ENDED:
                raise SessionEnded
            check_places(session, wanted)
            changed["pollIds"] = wanted
    return changed


def check_places(session: Session, wanted: list[ObjectId]) -> None:
    """A poll that was shown keeps its place: it is what people have seen as the first, the second.

    Raises :class:`~quickpoll.errors.Locked`.
    """
    for place, poll in enumerate(session.poll_ids):
        if poll in session.shown and wanted[place : place + 1] != [poll]:
            raise Locked("A poll that was shown stays in the session, and in its place.")


def step(session: Session, asked: Step) -> Fields:
    """What a step changes: nothing where the session is there already, so that a step that is sent
    twice is one.

    Raises :class:`~quickpoll.errors.SessionEnded`, :class:`~quickpoll.errors.SessionChanged` and
    :class:`~quickpoll.errors.InvalidRequest`.
    """
    if session.status == ENDED:
        raise SessionEnded
    if asked.at == session.at:
        return {}
    _check_version(session, asked.if_version)
    if asked.at is None:
        return {"present": None, "status": LOBBY}
    if asked.at >= len(session.poll_ids):
        raise invalid("at", f"The session has {len(session.poll_ids)} polls, counted from 0.")
    poll = session.poll_ids[asked.at]
    shown = session.shown if poll in session.shown else [*session.shown, poll]
    return {"present": poll, "status": RUNNING, "shown": shown}


def end(session: Session, now: datetime) -> Fields:
    """What the end changes: nothing where it has come already."""
    if session.status == ENDED:
        return {}
    return {"status": ENDED, "present": None, "endedAt": now}


def delete(now: datetime) -> Fields:
    """What is left of a deleted session."""
    return {
        "status": DELETED,
        "deletedAt": now,
        "title": "",
        "pollIds": [],
        "shown": [],
        "present": None,
    }


def without_poll(session: Session, poll_id: ObjectId) -> Fields:
    """What the deletion of a poll changes: it leaves the list, unless it was shown, or one behind
    it was. Then its place stays, and is empty: what was the third remains the third."""
    if poll_id in session.gone or poll_id not in session.poll_ids:
        return {}
    behind = session.poll_ids[session.poll_ids.index(poll_id) :]
    if any(one in session.shown for one in behind):
        return {"gone": [*session.gone, poll_id]}
    return {"pollIds": [one for one in session.poll_ids if one != poll_id]}


def _check_version(session: Session, version: int) -> None:
    if version != session.revision:
        raise SessionChanged(session=fields_of(session))
