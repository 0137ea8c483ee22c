"""What messages say, as receivers get it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from quickpoll.polls.bodies import (
    EXAMPLE_POLL,
    Body,
    Count,
    Counts,
    Instant,
    Int64,
    ObjectIdText,
    PollBody,
)


def _only(kind: str) -> WithJsonSchema:
    """One name alone, said as generators of clients understand it."""
    return WithJsonSchema({"type": "string", "enum": [kind]})


PollEventName = Literal[
    "poll.created", "poll.updated", "poll.closed", "poll.reopened", "poll.deleted"
]


class PollMessage(Body):
    """Something has happened to a poll; ``data`` is the poll as it was then."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "poll.created",
                    "timestamp": "2030-01-31T12:00:00.000Z",
                    "data": EXAMPLE_POLL,
                }
            ]
        }
    )

    type: PollEventName
    timestamp: Instant
    data: PollBody


class ResultsData(Body):
    """The counts of a poll, whoever may see them otherwise."""

    poll_id: ObjectIdText
    counts: Counts = Field(description="`likes`, and each option's votes under its id.")
    voters_count: Count
    votes_count: Count
    version: Int64
    final: bool = Field(description="True after the close: these are the final ones.")


class ResultsMessage(Body):
    """The counts of a poll have changed, or are final."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "poll.results",
                    "timestamp": "2030-01-31T12:00:00.000Z",
                    "data": {
                        "pollId": "65f1c0ffee0000000000a001",
                        "counts": {
                            "likes": 3,
                            "65f1c0ffee0000000000b001": 12,
                            "65f1c0ffee0000000000b002": 7,
                        },
                        "votersCount": 19,
                        "votesCount": 19,
                        "version": 1895400000000000,
                        "final": True,
                    },
                }
            ]
        }
    )

    type: Annotated[Literal["poll.results"], _only("poll.results")]
    timestamp: Instant
    data: ResultsData


class SessionMessage(Body):
    """A session has changed; ``data`` is the session as it was then."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "session.updated",
                    "timestamp": "2030-01-31T12:00:00.000Z",
                    "data": {
                        "id": "65f1c0ffee0000000000e001",
                        "title": "Summer party",
                        "userId": "65f1c0ffee0000000000c001",
                        "createdAt": "2030-01-31T11:00:00.000Z",
                        "pollIds": ["65f1c0ffee0000000000a001"],
                        "at": 0,
                        "status": "running",
                        "guests": "off",
                        "version": 3,
                    },
                }
            ]
        }
    )

    type: Annotated[Literal["session.updated"], _only("session.updated")]
    timestamp: Instant
    data: dict[str, Any] = Field(description="As `get-session` answers it.")


class TestData(Body):
    """Which webhook it was."""

    webhook_id: ObjectIdText


class TestMessage(Body):
    """What was asked for, to see whether it comes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "webhook.test",
                    "timestamp": "2030-01-31T12:00:00.000Z",
                    "data": {"webhookId": "65f1c0ffee0000000000e001"},
                }
            ]
        }
    )

    type: Annotated[Literal["webhook.test"], _only("webhook.test")]
    timestamp: Instant
    data: TestData
