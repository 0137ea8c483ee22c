"""What goes over the socket about sessions: an evening of polls that everybody's page follows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from quickpoll.foundation.asyncapi.messages import Event, Request
from quickpoll.polls.bodies import (
    EXAMPLE_POLL,
    Body,
    Guests,
    Instant,
    Int64,
    ObjectIdInput,
    ObjectIdText,
    OptionBody,
)
from quickpoll.realtime.messages import Done, NotDone

_SESSION: dict[str, Any] = {
    "id": "65f1c0ffee0000000000e001",
    "title": "Summer party",
    "userId": "65f1c0ffee0000000000c001",
    "createdAt": "2030-01-31T12:00:00.000Z",
    "pollIds": ["65f1c0ffee0000000000a001"],
    "at": 0,
    "status": "running",
    "guests": "off",
    "version": 3,
}
_PRESENT = {name: EXAMPLE_POLL[name] for name in ("id", "question", "options")}


def _like(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class FollowedSession(Body):
    """Which session."""

    model_config = _like({"sessionId": _SESSION["id"]})

    session_id: ObjectIdInput


class SessionState(Body):
    """A session, where it is now."""

    model_config = _like(_SESSION)

    id: ObjectIdText
    title: str
    user_id: ObjectIdText
    created_at: Instant
    poll_ids: list[ObjectIdText]
    at: Annotated[int, Field(ge=0)] | None = Field(
        description="The place of the present poll in `pollIds`; null in the lobby."
    )
    status: Literal["lobby", "running", "ended", "deleted"]
    guests: Guests
    version: Int64


class PresentPoll(Body):
    """The poll that everybody looks at, as far as it is the same for all."""

    model_config = _like(_PRESENT)

    id: ObjectIdText
    question: str
    options: list[OptionBody]


class Followed(Body):
    """The session as it is."""

    model_config = _like({"session": _SESSION, "poll": _PRESENT})

    session: SessionState
    poll: PresentPoll | None = Field(description="The present one; null where there is none.")


class SessionUpdate(SessionState):
    """The whole session, and the present poll."""

    model_config = _like({**_SESSION, "poll": _PRESENT})

    poll: PresentPoll | None = Field(description="Null where there is none.")


ATTENDANCE = "session-attendance"


class SessionAttendance(Body):
    """How many people follow a session at present, over all instances: those who lead it not
    counted, somebody with two screens once."""

    model_config = _like({"sessionId": _SESSION["id"], "people": 23})

    session_id: ObjectIdText
    people: Annotated[int, Field(ge=0)]


EVENTS = (
    Event("session-update", SessionUpdate, "The session went on, changed, ended, is gone."),
    Event(
        ATTENDANCE,
        SessionAttendance,
        "How many are in, to followers who lead the session: within two seconds of a change, "
        "and ten where a connection was lost without a word.",
    ),
)

REQUESTS = (
    Request(
        "follow", FollowedSession, "Follow a session; polls are another matter.", Followed, NotDone
    ),
    Request("unfollow", FollowedSession, "Follow it no longer.", Done, NotDone),
)
