"""Rules about polls: pure, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.errors import Forbidden, invalid
from quickpoll.polls.bodies import NewPoll, PollDefinition
from quickpoll.polls.models import NO_GUESTS, NOBODY, OWNER_ONLY, Option, Poll, fold

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
    "taken_up",
    "log_key",
    "log_phase",
    "log_due",
    "tombstones",
    "links",
}
"""Fields that a copy of a poll does not take over."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What the operator has set this service up for: guests, and logs of verifiable polls."""

    guests: bool = False
    logs: bool = False


def check_offered(poll: Poll, wanted: Mapping[str, Any], offers: Offers) -> None:
    """Raises :class:`~quickpoll.errors.InvalidRequest` where the poll, with the ``wanted`` fields,
    is to be what this service does not offer.

    Only what is wanted is refused: a poll of a time when it was offered can still be changed.
    """
    if wanted.get("guests", NO_GUESTS) != NO_GUESTS and not offers.guests:
        raise invalid("guests", "This service admits no guests.")
    if wanted.get("verifiable") and not offers.logs:
        raise invalid("verifiable", "This service keeps no logs by which a result can be checked.")
    secret = wanted.get("results", poll.results) == OWNER_ONLY
    if secret and wanted.get("verifiable", poll.verifiable):
        raise invalid("results", "A result that nobody may see cannot be verifiable.")


def check_deadline(closes_at: datetime | None, now: datetime) -> None:
    """Raises :class:`~quickpoll.errors.InvalidRequest` for a deadline that is not ahead."""
    if closes_at is not None and closes_at <= now:
        raise invalid("closesAt", "Give a time in the future.")


def check_manages(caller: Caller, poll: Poll) -> None:
    """Raises :class:`~quickpoll.errors.Forbidden` unless the poll is the caller's to manage."""
    if not manages(caller, poll):
        raise Forbidden("Only the owner of this poll or an administrator may do this.")


def manages(caller: Caller, poll: Poll) -> bool:
    """Owners manage their own polls, admins any; nobody's are nobody's, whatever a token says."""
    return caller.admin or (caller.user_id == str(poll.user_id) and poll.user_id != NOBODY)


def owner_of(new: NewPoll, caller: Caller) -> str:
    """The user whose poll the new one is to be.

    Raises :class:`~quickpoll.errors.Forbidden` where somebody else than an administrator says.
    """
    if "user_id" not in new.model_fields_set:
        return caller.user_id
    if not caller.admin:
        raise Forbidden("Only an administrator may say whose poll it is to be; leave userId out.")
    return new.user_id


def make_poll(
    new: PollDefinition, user_id: str, now: datetime, offers: Offers | None = None
) -> Poll:
    """The poll that ``new`` asks for, created at ``now`` (kept to the millisecond).

    Raises :class:`~quickpoll.errors.InvalidRequest` for a deadline that has passed, and for what
    is not offered (``None``: nothing that is to be offered).
    """
    check_deadline(new.closes_at, now)
    poll = Poll(
        **new.settings(),
        id=ObjectId(),
        question=new.question,
        folded=fold(new.question),
        user_id=ObjectId(user_id),
        created_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
        options=[Option(id=ObjectId(), text=option.text) for option in new.options],
    )
    check_offered(poll, new.settings(), offers or Offers())
    return poll


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
