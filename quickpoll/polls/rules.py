"""Rules about polls: pure, no I/O."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.errors import Forbidden, invalid
from quickpoll.polls.bodies import NewPoll, PollDefinition
from quickpoll.polls.models import Option, Poll, fold

OF_ONE_LIFE = {
    "id",
    "user_id",
    "created_at",
    "options",
    "status",
    "closes_at",
    "closed_at",
    "voted_on",
    "revision",
    "likes",
    "last_change",
}
"""Fields that a copy of a poll does not take over."""


def check_deadline(closes_at: datetime | None, now: datetime) -> None:
    """Raises :class:`~quickpoll.errors.InvalidRequest` for a deadline that is not ahead."""
    if closes_at is not None and closes_at <= now:
        raise invalid("closesAt", "Give a time in the future.")


def check_manages(caller: Caller, poll: Poll) -> None:
    """Raises :class:`~quickpoll.errors.Forbidden` unless the poll is the caller's to manage."""
    if not manages(caller, poll):
        raise Forbidden("Only the owner of this poll or an administrator may do this.")


def manages(caller: Caller, poll: Poll) -> bool:
    """Owners manage their own polls, admins any."""
    return caller.admin or caller.user_id == str(poll.user_id)


def owner_of(new: NewPoll, caller: Caller) -> str:
    """The user whose poll the new one is to be.

    Raises :class:`~quickpoll.errors.Forbidden` where somebody else than an administrator says.
    """
    if "user_id" not in new.model_fields_set:
        return caller.user_id
    if not caller.admin:
        raise Forbidden("Only an administrator may say whose poll it is to be; leave userId out.")
    return new.user_id


def make_poll(new: PollDefinition, user_id: str, now: datetime) -> Poll:
    """The poll that ``new`` asks for, created at ``now`` (kept to the millisecond)."""
    check_deadline(new.closes_at, now)
    return Poll(
        **new.settings(),
        id=ObjectId(),
        question=new.question,
        folded=fold(new.question),
        user_id=ObjectId(user_id),
        created_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        options=[Option(id=ObjectId(), text=option.text) for option in new.options],
    )


def copy_poll(poll: Poll, user_id: str, now: datetime) -> Poll:
    """A new open poll of that user with the same question, options and settings, created at
    ``now``.

    Every field is taken over but those that belong to the life of the one poll.
    """
    ahead = poll.closes_at is not None and poll.closes_at > now
    fields = poll.model_dump(exclude=OF_ONE_LIFE)
    return Poll(
        **fields,
        id=ObjectId(),
        user_id=ObjectId(user_id),
        created_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        options=[Option(id=ObjectId(), text=option.text) for option in poll.options],
        closes_at=poll.closes_at if ahead else None,
    )
