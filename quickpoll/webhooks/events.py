"""The events that webhooks hear of, by their names, and what a message says."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import orjson

from quickpoll.polls.bodies import instant

CREATED: Final = "poll.created"
UPDATED: Final = "poll.updated"
CLOSED: Final = "poll.closed"
REOPENED: Final = "poll.reopened"
DELETED: Final = "poll.deleted"
RESULTS: Final = "poll.results"
SESSION: Final = "session.updated"
TEST: Final = "webhook.test"

EVENTS: Final = (CREATED, UPDATED, CLOSED, REOPENED, DELETED, RESULTS, SESSION)
"""What a webhook may ask for."""

OF_CHANGE: Final = {"updated": UPDATED, "closed": CLOSED, "reopened": REOPENED}
"""The event of a row of a poll's history, by its ``change``."""


def wanted_by(change: str) -> tuple[str, ...]:
    """The events for which a change of that name matters: a close has final counts, too."""
    named = OF_CHANGE.get(change, f"poll.{change}")
    return (named, RESULTS) if named == CLOSED else (named,)


def message_body(kind: str, at: datetime, data: dict[str, Any]) -> str:
    """The body of a message, frozen: the same bytes whenever it is sent."""
    return orjson.dumps({"type": kind, "timestamp": instant(at), "data": data}).decode()


def message_id(topic: object, number: int) -> str:
    """The name of a message: the same for every webhook, attempt and replay. Without a full stop,
    which parts what is signed."""
    return f"msg_{topic}_{number}"
