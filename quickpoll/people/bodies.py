"""Answers about a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from quickpoll.auth.caller import Caller
from quickpoll.polls.bodies import EXAMPLE_POLL, Body, Instant, ObjectIdText, PollBody, instant
from quickpoll.votes.bodies import VoteBody

_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 3339 writes no later year."""


class MeBody(Body):
    """Whom the service takes the caller for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "userId": "65f1c0ffee0000000000c001",
                    "roles": ["admin"],
                    "expiresAt": "2030-01-31T12:00:00.000Z",
                }
            ]
        }
    )

    user_id: ObjectIdText
    roles: list[str]
    expires_at: Instant


EXAMPLE_JOB = "65f1c0ffee0000000000e001"


class ErasureBody(Body):
    """An erasure that was asked for, under whose id its end can be waited for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"jobId": EXAMPLE_JOB}]})

    job_id: ObjectIdText


class ErasureStatusBody(ErasureBody):
    """How far an erasure is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"jobId": EXAMPLE_JOB, "status": "running"}]}
    )

    status: Literal["running", "done"]


class GivenLike(Body):
    """A like that the person has given."""

    poll_id: ObjectIdText
    created_at: Instant


class MadeChange(Body):
    """A change that the person has made of a poll, as its history has it."""

    poll_id: ObjectIdText
    at: Instant
    change: Literal["updated", "closed", "reopened"]
    from_: dict[str, Any] = Field(alias="from")
    to: dict[str, Any]


class PersonBody(Body):
    """Everything that the service holds of a person. No list is ever absent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "polls": [EXAMPLE_POLL],
                    "ballots": [
                        {
                            "id": "65f1c0ffee0000000000d001",
                            "userId": "65f1c0ffee0000000000c001",
                            "optionId": "65f1c0ffee0000000000b001",
                            "optionIds": ["65f1c0ffee0000000000b001"],
                            "pollId": "65f1c0ffee0000000000a001",
                            "createdAt": "2030-01-31T12:00:00.000Z",
                        }
                    ],
                    "likes": [
                        {
                            "pollId": "65f1c0ffee0000000000a001",
                            "createdAt": "2030-01-31T12:00:00.000Z",
                        }
                    ],
                    "sessions": [],
                    "changes": [
                        {
                            "pollId": "65f1c0ffee0000000000a001",
                            "at": "2030-01-31T12:00:00.000Z",
                            "change": "closed",
                            "from": {"status": "open", "closedAt": None},
                            "to": {"status": "closed", "closedAt": "2030-01-31T12:00:00.000Z"},
                        }
                    ],
                    "webhooks": [],
                }
            ]
        }
    )

    polls: list[PollBody] = Field(description="The person's own polls.")
    ballots: list[VoteBody] = Field(description="What the person has voted, on whatever polls.")
    likes: list[GivenLike]
    sessions: list[dict[str, Any]] = Field(description="The person's own sessions.")
    changes: list[MadeChange] = Field(description="Rows of histories that the person has made.")
    webhooks: list[dict[str, Any]] = Field(description="The person's webhooks, without secrets.")


def fields_of(caller: Caller) -> dict[str, Any]:
    """A caller as plain values under their wire names."""
    return {
        "userId": caller.user_id,
        "roles": list(caller.roles),
        "expiresAt": instant(_moment(caller.expires_at)),
    }


def _moment(seconds: float) -> datetime:
    """A time in seconds since 1970; one that no calendar holds is the last there is."""
    return datetime.fromtimestamp(min(seconds, _LAST.timestamp()), UTC)
