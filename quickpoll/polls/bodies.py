"""Polls as requests and answers carry them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from quickpoll.foundation.http.wording import faults
from quickpoll.polls.models import Poll
from quickpoll.polls.validators import (
    LEGIBLE_PATTERN,
    MOST_OPTIONS,
    legible,
    lower_id,
    rfc_3339,
    to_the_millisecond,
    told_apart,
    trim,
    whole,
)


def instant(moment: datetime) -> str:
    """A time as it is answered: RFC 3339, UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


ObjectIdText = Annotated[str, Field(pattern="^[0-9a-f]{24}$")]
"""An id as it is answered: 24 hexadecimal digits, lower case."""

ObjectIdInput = Annotated[
    str,
    Field(strict=True, json_schema_extra={"pattern": "^[0-9a-fA-F]{24}$"}),
    AfterValidator(lower_id),
]
"""An id as it is taken: 24 hexadecimal digits in either case."""

Instant = Annotated[
    datetime,
    PlainSerializer(instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time in UTC as it is answered."""

InstantInput = Annotated[
    AwareDatetime, BeforeValidator(rfc_3339), AfterValidator(to_the_millisecond)
]
"""A time as it is taken: RFC 3339 with an offset; kept to the millisecond."""


# Validators that come before are run from the right: trimmed, then measured, then read.
Question = Annotated[
    str,
    Field(
        min_length=1, max_length=500, strict=True, json_schema_extra={"pattern": LEGIBLE_PATTERN}
    ),
    AfterValidator(legible),
    BeforeValidator(trim),
]
OptionText = Annotated[
    str,
    Field(
        min_length=1, max_length=200, strict=True, json_schema_extra={"pattern": LEGIBLE_PATTERN}
    ),
    AfterValidator(legible),
    BeforeValidator(trim),
]
Status = Literal["open", "closed"]
Results = Literal["always", "after_vote", "after_close", "owner"]
Visibility = Literal["public", "unlisted"]
Choices = Annotated[int, Field(strict=True, ge=1, le=MOST_OPTIONS), BeforeValidator(whole)]
Int64 = Annotated[int, Field(json_schema_extra={"format": "int64"})]
"""An integer as it is answered that may be beyond 32 bits."""
Count = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]
"""How many there are of something, as it is answered."""
Counts = Annotated[
    dict[str, int],
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": "integer", "format": "int64", "minimum": 0},
        }
    ),
]
"""How many by id. Said as generators of clients understand it: a map, whatever its keys."""


class Body(BaseModel):
    """Names in camelCase on the wire; unknown fields are refused."""

    # Read from JSON and never built by name: a name in snake_case is an unknown field.
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")  # type: ignore[pydantic-alias]


class NewOption(Body):
    """An option of a new poll."""

    text: OptionText


class NewPoll(Body):
    """A poll to create."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "question": "When shall we meet?",
                    "options": [{"text": "Monday"}, {"text": "Tuesday"}],
                    "allowVoteChange": True,
                }
            ]
        }
    )

    question: Question
    options: Annotated[list[NewOption], WrapValidator(told_apart)] = Field(
        min_length=2, max_length=MOST_OPTIONS, description="No two may look alike."
    )
    min_choices: Choices = 1
    max_choices: Choices = 1
    closes_at: InstantInput | None = None
    results: Results = "always"
    allow_vote_change: StrictBool = False
    visibility: Visibility = "public"

    @model_validator(mode="after")
    def _choices_fit(self) -> NewPoll:
        wrong = misfit(self.min_choices, self.max_choices, len(self.options))
        if wrong is not None:
            raise faults([((wrong[0],), wrong[1])])
        return self


class OptionBody(Body):
    """An option of a poll."""

    id: ObjectIdText
    text: str
    poll_id: ObjectIdText


EXAMPLE_POLL: dict[str, Any] = {
    "id": "65f1c0ffee0000000000a001",
    "question": "When shall we meet?",
    "userId": "65f1c0ffee0000000000c001",
    "createdAt": "2030-01-31T12:00:00.000Z",
    "options": [
        {
            "id": "65f1c0ffee0000000000b001",
            "text": "Monday",
            "pollId": "65f1c0ffee0000000000a001",
        },
        {
            "id": "65f1c0ffee0000000000b002",
            "text": "Tuesday",
            "pollId": "65f1c0ffee0000000000a001",
        },
    ],
    "status": "open",
    "closesAt": None,
    "minChoices": 1,
    "maxChoices": 1,
    "results": "always",
    "allowVoteChange": True,
    "visibility": "public",
}


class PollBody(Body):
    """A poll."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_POLL]})

    id: ObjectIdText
    question: str
    user_id: ObjectIdText
    created_at: Instant
    options: list[OptionBody]
    status: Status
    closes_at: Instant | None
    min_choices: Annotated[int, Field(ge=1, le=MOST_OPTIONS)]
    max_choices: Annotated[int, Field(ge=1, le=MOST_OPTIONS)]
    results: Results
    allow_vote_change: bool
    visibility: Visibility


def misfit(least: int, most: int, options: int) -> tuple[str, str] | None:
    """The field that is wrong unless 1 ≤ least ≤ most ≤ number of options, and a sentence."""
    if least > most:
        return "minChoices", "This must not be more than maxChoices."
    if most > options:
        return "maxChoices", f"This must not be more than the number of options ({options})."
    return None


def fields_of(poll: Poll, now: datetime) -> dict[str, Any]:
    """A poll as plain values under its wire names, times as text."""
    poll_id = str(poll.id)
    return {
        "id": poll_id,
        "question": poll.question,
        "userId": str(poll.user_id),
        "createdAt": instant(poll.created_at),
        "options": [
            {"id": str(option.id), "text": option.text, "pollId": poll_id}
            for option in poll.options
        ],
        "status": poll.status_at(now),
        "closesAt": instant(poll.closes_at) if poll.closes_at else None,
        "minChoices": poll.min_choices,
        "maxChoices": poll.max_choices,
        "results": poll.results,
        "allowVoteChange": poll.allow_vote_change,
        "visibility": poll.visibility,
    }
