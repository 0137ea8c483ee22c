"""What goes over the socket about polls, and about the connection itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from quickpoll.counting.events import EventKind
from quickpoll.errors import leaves
from quickpoll.foundation.asyncapi.messages import Event, Request
from quickpoll.polls.bodies import (
    Body,
    Count,
    Counts,
    Instant,
    Int64,
    ObjectIdInput,
    ObjectIdText,
    Status,
)

MOST_POLLS = 100
"""Polls that one client may follow at a time."""

FAREWELL = "session-ended"
"""The event that tells a client why it is about to be disconnected."""

_POLL = "65f1c0ffee0000000000a001"
_COUNTS = {"likes": 3, "65f1c0ffee0000000000b001": 12, "65f1c0ffee0000000000b002": 7}
_VERSION = 1895400000000000
_AT = "2030-01-31T12:00:00.000Z"
_ERROR = {
    "code": "unavailable",
    "detail": "The service cannot reach what it needs at the moment; try again shortly.",
}


def _like(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class LiveRefusal(Body):
    """Why something did not work: ``code`` for programs, ``detail`` for people."""

    model_config = _like(_ERROR)

    code: str = Field(json_schema_extra={"enum": [leaf.code for leaf in leaves()]})
    detail: str


class Checkpoint(Body):
    """The last published state of a verifiable poll's log."""

    model_config = _like({"size": 19, "root": "qvRjYZ6JJwfoTu3BcT8yF3Zi0P7kCvSHg4zgMZ1Gq3s="})

    size: Count
    root: str


# -- from clients ------------------------------------------------------------------------------


class Connect(Body):
    """The payload of the connection: with which token it is asked for.

    It may come in the header or in the address instead.
    """

    model_config = _like({"token": "eyJhbGciOi….….…"})

    token: str = Field("", description="A JWT, as for the REST interface.")


class PollIds(Body):
    """Which polls."""

    model_config = _like({"pollIds": [_POLL]})

    poll_ids: list[ObjectIdInput] = Field(
        description=f"Ids in either case; a client follows {MOST_POLLS} polls at most."
    )


# -- to clients --------------------------------------------------------------------------------


class Snapshot(Body):
    """What a poll is now. Where the client may not see the results yet, ``counts`` holds ``likes``
    alone, both totals are absent and ``resultsHidden`` is true."""

    model_config = _like(
        {
            "pollId": _POLL,
            "status": "open",
            "counts": _COUNTS,
            "votersCount": 19,
            "votesCount": 19,
            "version": _VERSION,
        },
        {
            "pollId": _POLL,
            "status": "open",
            "counts": {"likes": 3},
            "version": _VERSION,
            "resultsHidden": True,
        },
    )

    poll_id: ObjectIdText
    status: Status
    counts: Counts = Field(description="`likes`, and each option's votes under its id.")
    voters_count: Count | None = None
    votes_count: Count | None = None
    version: Int64
    results_hidden: bool | None = Field(None, description="True where they are, else absent.")
    checkpoint: Checkpoint | None = Field(None, description="With verifiable polls.")


class Subscribed(Body):
    """The polls that are followed now, as they are."""

    model_config = _like(
        {"polls": [Snapshot.model_config["json_schema_extra"]["examples"][0]], "unknown": []}  # type: ignore[index]
    )

    polls: list[Snapshot]
    unknown: list[ObjectIdText] = Field(description="The ids that are no poll.")


class NotSubscribed(Body):
    """Nothing has changed."""

    model_config = _like({"error": _ERROR, "unknown": []})

    error: LiveRefusal
    unknown: list[ObjectIdText]


class Done(Body):
    """It is done; there is nothing more to say."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}], "not": {"required": ["error"]}})


class NotDone(Body):
    """Nothing has changed."""

    model_config = _like({"error": _ERROR})

    error: LiveRefusal


class VoteUpdate(Body):
    """The whole state of the counts, never a difference."""

    model_config = _like(
        {
            "pollId": _POLL,
            "counts": _COUNTS,
            "votersCount": 19,
            "votesCount": 19,
            "version": _VERSION,
            "at": _AT,
        }
    )

    poll_id: ObjectIdText
    counts: Counts = Field(description="`likes`, and each option's votes under its id.")
    voters_count: Count
    votes_count: Count
    version: Int64
    at: Instant
    checkpoint: Checkpoint | None = Field(None, description="With verifiable polls.")


class LikeUpdate(Body):
    """How many likes. Who may not see the results gets ``counts`` with ``likes`` alone."""

    model_config = _like(
        {"pollId": _POLL, "likes": 3, "counts": _COUNTS, "version": _VERSION, "at": _AT}
    )

    poll_id: ObjectIdText
    likes: Count
    counts: Counts = Field(description="`likes`, and each option's votes under its id.")
    version: Int64
    at: Instant
    checkpoint: Checkpoint | None = Field(None, description="With verifiable polls.")


class PollUpdate(Body):
    """What has happened to a poll itself."""

    model_config = _like({"pollId": _POLL, "change": "closed", "version": _VERSION, "at": _AT})

    poll_id: ObjectIdText
    change: Literal["created", "updated", "closed", "reopened", "deleted"]
    version: Int64
    at: Instant
    checkpoint: Checkpoint | None = Field(None, description="With verifiable polls.")


class ConnectionRefused(Body):
    """The connection is refused: why, is in ``data``."""

    model_config = _like({"message": _ERROR["detail"], "data": _ERROR})

    message: str
    data: LiveRefusal


class SessionEnded(LiveRefusal):
    """Why the connection is about to be ended."""

    model_config = _like({"code": "expired_token", "detail": "The token has expired."})


EVENTS = (
    Event(EventKind.VOTES, VoteUpdate, "Somebody voted: the first at once, then ten a second."),
    Event(EventKind.LIKES, LikeUpdate, "Somebody liked the poll, or took the like back."),
    Event(
        EventKind.POLL, PollUpdate, "The poll was created, changed, closed, reopened or deleted."
    ),
    Event(FAREWELL, SessionEnded, "The token has expired: get another one, then connect anew."),
    Event("connect_error", ConnectionRefused, "Instead of a connection."),
)

REQUESTS = (
    Request("connect", Connect, "Join the namespace, with a token."),
    Request(
        "subscribe", PollIds, "Follow polls, and get what they are.", Subscribed, NotSubscribed
    ),
    Request("unsubscribe", PollIds, "Follow these polls no longer.", Done, NotDone),
)
