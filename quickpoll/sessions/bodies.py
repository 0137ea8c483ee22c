"""Sessions as requests, answers and events carry them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from quickpoll.foundation.http.wording import faults
from quickpoll.polls.bodies import (
    EXAMPLE_POLL,
    Body,
    Guests,
    Instant,
    ObjectIdInput,
    ObjectIdText,
    OptionBody,
    OptionText,
    instant,
)
from quickpoll.polls.validators import whole
from quickpoll.results.bodies import Query, whole_number
from quickpoll.sessions.models import Session

MOST_POLLS = 100
"""Polls that a session may have."""


def _none_twice(value: list[str]) -> list[str]:
    twice = [place for place, one in enumerate(value) if one in value[:place]]
    if twice:
        raise faults([((place,), "This poll is in the list twice.") for place in twice])
    return value


Title = OptionText
PollIds = Annotated[list[ObjectIdInput], Field(max_length=MOST_POLLS), AfterValidator(_none_twice)]
SessionVersion = Annotated[
    int,
    Field(strict=True, ge=0, le=2**53, json_schema_extra={"format": "int64"}),
    BeforeValidator(whole),
]


class NewSession(Body):
    """A session to create."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Summer party", "pollIds": ["65f1c0ffee0000000000a001"]}]
        }
    )

    title: Title
    poll_ids: PollIds = Field([], description="Polls of your own, in order, none twice.")
    guests: Guests = Field(
        "off",
        description="Who may take part without an account. The polls say the same of themselves.",
    )
    user_id: ObjectIdInput = Field(
        default_factory=str,
        description="Whose session it is to be; only administrators may say so. "
        "Left out: the caller's.",
    )


def _nothing_by_default(schema: dict[str, Any]) -> None:
    """A field that is left out is not changed, whatever stands for it in the model."""
    for field in schema["properties"].values():
        field.pop("default", None)
    schema["examples"] = [{"title": "Summer party 2030", "ifVersion": 3}]


class SessionUpdate(Body):
    """The fields to change; those left out stay."""

    model_config = ConfigDict(json_schema_extra=_nothing_by_default)

    title: Title = ""
    poll_ids: PollIds = Field(
        [],
        description="The whole list as it is to be. A poll that was shown keeps its place.",
    )
    if_version: SessionVersion = Field(
        0, description="Only if this is the present version, else `session_changed`."
    )


class Step(Body):
    """Where to go: the place of a poll in `pollIds`, or null for the lobby."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"at": 1, "ifVersion": 3}]})

    at: Annotated[int, Field(strict=True, ge=0, le=MOST_POLLS - 1), BeforeValidator(whole)] | None
    if_version: SessionVersion = Field(description="The version that the presenter sees.")


class SessionQuery(Query):
    """Which page of a list of sessions."""

    limit: Annotated[int, Field(ge=1, le=100), whole_number] = Field(
        50, description="How many sessions a page has.", examples=[20]
    )
    cursor: Annotated[str, Field(max_length=1000)] | None = Field(
        None, description="From the `Link` of the page before; absent for the first."
    )


EXAMPLE_SESSION: dict[str, Any] = {
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


class SessionBody(Body):
    """A session: its polls in order, and where it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_SESSION]})

    id: ObjectIdText
    title: str
    user_id: ObjectIdText
    created_at: Instant
    poll_ids: list[ObjectIdText]
    at: Annotated[int, Field(ge=0, le=MOST_POLLS - 1)] | None = Field(
        description="The place of the present poll in `pollIds`; null in the lobby and at the end."
    )
    status: Literal["lobby", "running", "ended"]
    guests: Guests
    version: Annotated[int, Field(json_schema_extra={"format": "int64"})]


class PresentPoll(Body):
    """The present poll, as far as it is the same for everybody."""

    id: ObjectIdText
    question: str
    options: list[OptionBody]


class SessionUpdateEvent(SessionBody):
    """What followers of a session hear: the whole of it, and the present poll."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **EXAMPLE_SESSION,
                    "poll": {key: EXAMPLE_POLL[key] for key in ("id", "question", "options")},
                }
            ]
        }
    )

    status: Literal["lobby", "running", "ended", "deleted"]  # type: ignore[assignment]
    poll: PresentPoll | None = Field(
        description="Null where there is none, and where it was deleted since."
    )


def fields_of(session: Session) -> dict[str, Any]:
    """A session as plain values under its wire names."""
    return {
        "id": str(session.id),
        "title": session.title,
        "userId": str(session.user_id),
        "createdAt": instant(session.created_at),
        "pollIds": [str(one) for one in session.poll_ids],
        "at": session.at,
        "status": session.status,
        "guests": session.guests,
        "version": session.revision,
    }
