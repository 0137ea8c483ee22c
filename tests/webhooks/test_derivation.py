"""What is told of a poll, derived from what is stored: without any store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from quickpoll.polls.models import Option, Poll
from quickpoll.webhooks.derivation import Facts, derive
from quickpoll.webhooks.events import CLOSED, CREATED, DELETED, RESULTS, UPDATED
from quickpoll.webhooks.journal import CHANGE, CREATION, DELETION
from quickpoll.webhooks.models import Intent, Stream

topic, one, other = ObjectId(), ObjectId(), ObjectId()
then = datetime(2030, 1, 31, 12, tzinfo=UTC)


def poll_at(revision: int, **fields: Any) -> Poll:
    """The poll at a revision."""
    options = [Option(id=ObjectId(), text=text) for text in ("red", "green")]
    made: dict[str, Any] = {"question": "Q?", "folded": "q?", "user_id": ObjectId()}
    return Poll(
        **{**made, "id": topic, "created_at": then, "options": options, **fields}, revision=revision
    )


def intent(kind: str, revision: int, *wanted: tuple[str, ObjectId], **fields: Any) -> Intent:
    """Somebody wants to hear of this."""
    rows = [{"type": event, "webhooks": [webhook]} for event, webhook in wanted]
    return Intent(
        **{"id": ObjectId(), "topic": topic, "at": then, "look_at": then, **fields},
        kind=kind,
        revision=revision,
        wanted=rows,
    )


def row(revision: int, change: str, before: dict[str, Any]) -> dict[str, Any]:
    """A row of the history."""
    return {"revision": revision, "at": then, "change": change, "before": before, "after": {}}


def told(poll: Poll | None, *intents: Intent, rows: Any = (), stream: Stream | None = None) -> Any:
    """What is derived."""
    return derive(stream or Stream(id=topic), Facts(poll, tuple(rows), intents))


def test_what_is_on_its_way_is_waited_for() -> None:
    found = told(poll_at(1), intent(CHANGE, 2, (CLOSED, one)))
    assert (found.events, found.resolved, len(found.unresolved)) == ([], [], 1)
    found = told(None, intent(CREATION, 1, (CREATED, one)))
    assert (found.events, found.resolved, len(found.unresolved)) == ([], [], 1)


def test_what_a_fence_has_kept_from_happening_is_not_told() -> None:
    noted = intent(CHANGE, 2, (CLOSED, one))
    found = told(poll_at(2), noted)
    assert (found.events, found.resolved) == ([], [noted.id])


def test_two_who_wanted_one_revision_are_told_what_has_become_of_it() -> None:
    close = intent(CHANGE, 2, (CLOSED, one), (UPDATED, other))
    update = intent(CHANGE, 2, (UPDATED, one))
    last = row(2, "updated", {"visibility": "public"})
    found = told(poll_at(2, visibility="unlisted", last_change=last), close, update)
    assert [(event.type, set(event.webhooks)) for event in found.events] == [
        (UPDATED, {one, other})
    ]
    assert found.final_due is None


def test_nothing_is_told_twice() -> None:
    last = row(2, "closed", {"status": "open"})
    poll = poll_at(2, status="closed", last_change=last)
    noted = intent(CHANGE, 2, (CLOSED, one), (RESULTS, one))
    found = told(poll, noted)
    assert found.final_due == {"revision": 2, "webhooks": [one]}
    again = told(poll, noted, stream=Stream(id=topic, number=1, revision=found.revision))
    assert (again.events, again.resolved, again.final_due) == ([], [noted.id], None)


def test_a_deletion_that_was_overtaken_is_not_told_and_the_next_one_is_once() -> None:
    poll = poll_at(2, last_change=row(2, "updated", {"visibility": "unlisted"}))
    early = intent(DELETION, 2, (DELETED, one), stash={"poll": {}, "rows": []})
    assert told(poll, early).resolved == [early.id]
    stash = {"poll": poll.model_dump_doc(), "rows": [], "owner": poll.user_id}
    late = intent(DELETION, 3, (DELETED, one), stash=stash)
    found = told(None, early, late)
    assert [event.type for event in found.events] == [DELETED]
    assert found.deleted
    again = told(None, late, stream=Stream(id=topic, number=1, deleted=True))
    assert (again.events, again.resolved) == ([], [late.id])
