"""The life of a poll, and what voters may rely on: pure, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.errors import InvalidRequest, Locked, PollHasVotes, invalid
from quickpoll.management.bodies import OptionUpdate, PollUpdate
from quickpoll.polls.bodies import fields_of, instant, misfit
from quickpoll.polls.models import (
    AFTER_CLOSE,
    AFTER_VOTE,
    ALWAYS,
    CLOSED,
    OPEN,
    OWNER_ONLY,
    Links,
    Option,
    Poll,
    context_pairs,
    fold,
)
from quickpoll.polls.rules import Offers, check_deadline, check_offered

_OPENNESS = (OWNER_ONLY, AFTER_CLOSE, AFTER_VOTE, ALWAYS)

UNKNOWN_OPTION = "This poll has no such option; leave the id out to add one."

NO_LINKS = (
    "Its ballots belong to nobody any more, since it has been closed for so long: it cannot be"
    " opened again."
)

FIXED_TEXTS = frozenset({"question", "options"})
FIXED_SETTINGS = frozenset(
    {"min_choices", "max_choices", "allow_vote_change", "guests", "verifiable"}
)

Fields = dict[str, Any]


def update(poll: Poll, asked: PollUpdate, now: datetime, offers: Offers) -> Fields:
    """The fields of the poll (by attribute) that the request really changes.

    Raises :class:`~quickpoll.errors.InvalidRequest`, and where somebody has voted
    :class:`~quickpoll.errors.PollHasVotes` or :class:`~quickpoll.errors.Locked`.
    """
    given = asked.given()
    if "options" in given:
        given["options"] = _options(poll, asked.options)
    changed = {name: value for name, value in given.items() if getattr(poll, name) != value}
    _check_valid(poll, changed, now)
    check_offered(poll, changed, offers)
    if poll.voted_on:
        check_locks(poll, changed, now)
    if "question" in changed:
        changed["folded"] = fold(changed["question"])
    return changed


def needs_no_votes(poll: Poll, changed: Fields, now: datetime) -> bool:
    """Whether the change is one that the first vote forbids."""
    return bool(changed.keys() & (FIXED_TEXTS | FIXED_SETTINGS)) or _opens_results(
        poll, changed, now
    )


def check_locks(poll: Poll, changed: Fields, now: datetime) -> None:
    """Raises :class:`~quickpoll.errors.PollHasVotes` or :class:`~quickpoll.errors.Locked` for a
    change of what voters rely on."""
    if changed.keys() & FIXED_TEXTS:
        raise PollHasVotes
    if changed.keys() & FIXED_SETTINGS or _opens_results(poll, changed, now):
        raise Locked


def close(poll: Poll, now: datetime) -> Fields:
    """What closing changes: nothing where the poll is closed."""
    return {"status": CLOSED, "closed_at": now} if poll.is_open(now) else {}


def close_overdue(poll: Poll, now: datetime) -> Fields:
    """What is written down of a deadline that has passed."""
    return {"status": CLOSED, "closed_at": poll.closes_at} if poll.is_overdue(now) else {}


def reopen(poll: Poll, now: datetime) -> Fields:
    """What reopening changes: a deadline that has passed goes; nothing where the poll is open.

    Raises :class:`~quickpoll.errors.Locked` where nobody knows any more who has voted.
    """
    if poll.links is not Links.KEPT:
        raise Locked(NO_LINKS)
    changed: Fields = {} if poll.status == OPEN else {"status": OPEN, "closed_at": None}
    if poll.closes_at is not None and poll.closes_at <= now:
        changed["closes_at"] = None
    return changed


def reopens(poll: Poll, changed: Fields) -> bool:
    """Whether the change opens a poll again whose log has to have its close before."""
    return poll.verifiable and changed.get("status") == OPEN and poll.status == CLOSED


def log_phase(poll: Poll, changed: Fields) -> int:
    """How often the poll was closed and opened, after the change; odd where it is closed.

    An edit of a closed poll goes into the log between a reopening and a close.
    """
    closed = changed.get("status", poll.status) == CLOSED
    phase: int = poll.log_phase + (poll.log_phase % 2 != closed)
    edited = closed and phase == poll.log_phase and changed.keys() & (FIXED_TEXTS | FIXED_SETTINGS)
    return phase + 2 if edited else phase


def difference(poll: Poll, changed: Fields) -> tuple[Fields, Fields]:
    """The fields before and after, under their wire names.

    As they are written down, so at a moment before any deadline: that one has passed is a change
    of its own.
    """
    after = poll.model_copy(update=changed)
    old, new = fields_of(poll, poll.created_at), fields_of(after, poll.created_at)
    differ = [name for name in old if old[name] != new[name]]
    return {name: old[name] for name in differ}, {name: new[name] for name in differ}


def row_of(poll: Poll, name: str, changed: Fields, caller: Caller | None, now: datetime) -> Fields:
    """The row of the history that tells of a change of the poll."""
    before, after = difference(poll, changed)
    return {
        "revision": poll.revision + 1,
        "at": changed.get("closed_at") or now,
        "change": name,
        "before": before,
        "after": after,
        "by": author(caller, poll),
    }


def stored(changed: Fields) -> Fields:
    """The changed fields as MongoDB keeps them."""
    names = {name: Poll.__odm_fields__[name].key_name for name in changed}
    found = {names[name]: _stored_value(value) for name, value in changed.items()}
    if "context" in changed:
        found["contextPairs"] = context_pairs(changed["context"])
    return found


def author(caller: Caller | None, poll: Poll) -> Fields:
    """Who changes a poll, as the history keeps it."""
    if caller is None:
        return {"type": "service", "id": None}
    own = caller.user_id == str(poll.user_id)
    return {"type": "user" if own else "admin", "id": ObjectId(caller.user_id)}


def history_row(row: Mapping[str, Any], *, with_author: bool) -> Fields:
    """One row of the history as it is answered."""
    shown = {"at": instant(row["at"]), "change": row["change"]}
    shown |= {"from": row["before"], "to": row["after"]}
    if with_author:
        by = row.get("by") or {"type": "user", "id": None}
        shown["by"] = {"type": by["type"], "id": str(by["id"]) if by["id"] else None}
    return shown


def _stored_value(value: Any) -> Any:
    if isinstance(value, list):
        return [option.model_dump_doc() for option in value]
    return value


def _options(poll: Poll, given: list[OptionUpdate]) -> list[Option]:
    """The options as they are to be: those that are named are kept, the others are new."""
    there = {str(option.id): option.id for option in poll.options}
    unknown = [place for place, option in enumerate(given) if option.id and option.id not in there]
    if unknown:
        raise InvalidRequest(
            [{"field": f"options.{place}.id", "message": UNKNOWN_OPTION} for place in unknown]
        )
    return [Option(id=there.get(one.id) or ObjectId(), text=one.text) for one in given]


def _check_valid(poll: Poll, changed: Fields, now: datetime) -> None:
    if changed.get("closes_at") is not None:
        check_deadline(changed["closes_at"], now)
    least = changed.get("min_choices", poll.min_choices)
    most = changed.get("max_choices", poll.max_choices)
    wrong = misfit(least, most, len(changed.get("options", poll.options)))
    if wrong is not None:
        raise invalid(*wrong)


def _opens_results(poll: Poll, changed: Fields, now: datetime) -> bool:
    if "results" not in changed or not poll.is_open(now):
        return False
    return _OPENNESS.index(changed["results"]) > _OPENNESS.index(poll.results)
