"""What has happened to a poll, derived from what is stored of it: pure, no I/O.

The poll as it was at an earlier revision is the poll as it is, with every later row of its history
taken back. So what is told of a change is fixed with the change itself, whenever it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bson import ObjectId

from quickpoll.polls.bodies import fields_of
from quickpoll.polls.models import Poll
from quickpoll.webhooks.events import (
    CLOSED,
    CREATED,
    DELETED,
    OF_CHANGE,
    REOPENED,
    RESULTS,
    SESSION,
    message_body,
)
from quickpoll.webhooks.journal import CREATION, DELETION, OF_SESSION
from quickpoll.webhooks.models import Intent, Stream

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is stored of a topic: its poll as it is (``None`` where there is none), the rows of its
    history that the intents may be about, and the intents."""

    poll: Poll | None
    rows: tuple[Row, ...]
    intents: tuple[Intent, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened, frozen."""

    type: str
    at: datetime
    body: str
    owner_id: ObjectId
    webhooks: tuple[ObjectId, ...]


@dataclass(slots=True)
class Derived:
    """Events to tell, in their order, and what becomes of the stream and of the intents."""

    events: list[Event] = field(default_factory=list)
    resolved: list[ObjectId] = field(default_factory=list)
    unresolved: list[Intent] = field(default_factory=list)
    revision: int = 0
    deleted: bool = False
    final_due: dict[str, Any] | None = None


def derive(stream: Stream, facts: Facts) -> Derived:
    """The events of a topic that are to be told after what the stream has told."""
    found = Derived(
        revision=stream.revision, deleted=stream.deleted, final_due=_copy(stream.final_due)
    )
    if any(one.kind == OF_SESSION for one in facts.intents):
        _derive_session(found, facts)
        return found
    deletions = [one for one in facts.intents if one.kind == DELETION]
    poll, rows = facts.poll, facts.rows
    if poll is None and deletions:
        last = max(deletions, key=lambda one: one.revision)
        assert last.stash is not None  # noqa: S101 - see journal
        poll, rows = Poll.model_validate_doc(last.stash["poll"]), tuple(last.stash["rows"])
    if poll is None:
        found.unresolved = list(facts.intents)
        return found
    _derive_changes(found, poll, rows, facts, gone=facts.poll is None)
    _derive_deletion(found, poll, deletions, gone=facts.poll is None)
    return found


def _derive_changes(
    found: Derived, poll: Poll, rows: Iterable[Row], facts: Facts, *, gone: bool
) -> None:
    past = Past(poll, rows)
    waiting = [one for one in facts.intents if one.kind != DELETION]
    for revision in sorted({one.revision for one in waiting}):
        alike = [one for one in waiting if one.revision == revision]
        if revision > poll.revision and not gone:
            found.unresolved += alike
            continue
        found.resolved += [one.id for one in alike]
        if found.revision < revision <= poll.revision:
            _tell_change(found, past, revision, alike)


def _tell_change(found: Derived, past: Past, revision: int, alike: list[Intent]) -> None:
    kind, at = past.event(revision, new=any(one.kind == CREATION for one in alike))
    if kind is None:
        return  # somebody else's change, or a fence, took this revision: it has not happened
    found.revision = revision
    if kind == CLOSED and (hear := _recipients(alike, RESULTS)):
        found.final_due = {"revision": revision, "webhooks": list(hear)}
    if kind == REOPENED:
        found.final_due = None
    if hear := _recipients(alike, kind):
        body = message_body(kind, at, past.fields(revision))
        found.events.append(Event(kind, at, body, past.poll.user_id, hear))


def _derive_deletion(found: Derived, poll: Poll, deletions: list[Intent], *, gone: bool) -> None:
    if not gone:
        # It is there: these are under way, or were overtaken by a change and noted anew.
        found.resolved += [one.id for one in deletions if one.revision <= poll.revision]
        found.unresolved += [one for one in deletions if one.revision > poll.revision]
        return
    found.resolved += [one.id for one in deletions]
    last = [one for one in deletions if one.revision == poll.revision + 1]
    if last and not found.deleted and (hear := _recipients(last, DELETED)):
        at = min(one.at for one in last)
        body = message_body(DELETED, at, fields_of(poll, at))
        found.events.append(Event(DELETED, at, body, poll.user_id, hear))
    found.deleted, found.final_due = True, None


def _derive_session(found: Derived, facts: Facts) -> None:
    for intent in sorted(facts.intents, key=lambda one: (one.revision, one.at)):
        found.resolved.append(intent.id)
        hear = _recipients([intent], SESSION)
        if intent.stash is None or not hear or intent.revision <= found.revision:
            continue
        found.revision = intent.revision
        body = message_body(SESSION, intent.at, intent.stash["data"])
        found.events.append(Event(SESSION, intent.at, body, intent.stash["owner"], hear))


class Past:
    """A poll at each of its revisions."""

    def __init__(self, poll: Poll, rows: Iterable[Row]) -> None:
        self.poll = poll
        self._rows = {row["revision"]: row for row in rows}
        if poll.last_change is not None:
            self._rows[poll.last_change["revision"]] = poll.last_change

    def event(self, revision: int, *, new: bool) -> tuple[str | None, datetime]:
        """What has made this revision, and when; ``None`` where no row says so."""
        if new and revision == 1:
            return CREATED, self.poll.created_at
        row = self._rows.get(revision)
        if row is None:
            return None, self.poll.created_at
        return OF_CHANGE.get(row["change"]), row["at"]

    def fields(self, revision: int) -> dict[str, Any]:
        """The poll as it was at that revision, under its wire names."""
        # As it is written down, so at a moment before any deadline, as the rows are.
        fields = fields_of(self.poll, self.poll.created_at)
        for later in sorted((one for one in self._rows if one > revision), reverse=True):
            fields |= self._rows[later]["before"]
        return fields


def _recipients(intents: Iterable[Intent], kind: str) -> tuple[ObjectId, ...]:
    rows = [row for one in intents for row in one.wanted if row["type"] == kind]
    return tuple(dict.fromkeys(one for row in rows for one in row["webhooks"]))


def _copy(final_due: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if final_due is None else dict(final_due)
