"""Polls as requests and answers carry them."""

from __future__ import annotations

import re
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
    StrictInt,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from quickpoll.polls.models import Poll, fold

_unprintable = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
no_control_characters = r"^[^\x00-\x1f\x7f-\x9f]*$"
_legible = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
"""For the documentation: no control characters, and something to read."""

_rfc_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)

most_options = 50


_white_space = " \t\n\v\f\r\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""What ``str.strip`` takes as well, the information separators and NEL, are control characters."""


def _trimmed(value: object) -> object:
    return value.strip(_white_space) if isinstance(value, str) else value


def printable(value: str) -> str:
    """Raises ``ValueError`` for control characters and lone surrogates."""
    if _unprintable.search(value):
        raise ValueError("must not contain control characters or lone surrogates")
    return value


def _is_rfc_3339(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and _rfc_3339.fullmatch(value)):
        return value
    raise ValueError("must be a time such as 2030-01-31T12:00:00Z")


def instant(moment: datetime) -> str:
    """A time as it is answered: RFC 3339, UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _to_the_millisecond(moment: datetime) -> datetime:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


ObjectIdText = Annotated[str, Field(pattern="^[0-9a-f]{24}$")]
"""An id as it is answered: 24 hexadecimal digits, lower case."""

ObjectIdInput = Annotated[
    str,
    Field(pattern="^[0-9a-fA-F]{24}$"),
    AfterValidator(str.lower),
]
"""An id as it is taken: 24 hexadecimal digits in either case."""

Instant = Annotated[
    datetime,
    PlainSerializer(instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time in UTC as it is answered."""

InstantInput = Annotated[
    AwareDatetime, BeforeValidator(_is_rfc_3339), AfterValidator(_to_the_millisecond)
]
"""A time as it is taken: RFC 3339 with an offset; kept to the millisecond."""


# Validators that come before are run from the right: trimmed, then measured, then read.
Question = Annotated[
    str,
    Field(min_length=1, max_length=500, strict=True, json_schema_extra={"pattern": _legible}),
    AfterValidator(printable),
    BeforeValidator(_trimmed),
]
OptionText = Annotated[
    str,
    Field(min_length=1, max_length=200, strict=True, json_schema_extra={"pattern": _legible}),
    AfterValidator(printable),
    BeforeValidator(_trimmed),
]
Status = Literal["open", "closed"]
Results = Literal["always", "after_vote", "after_close", "owner"]
Visibility = Literal["public", "unlisted"]
Choices = Annotated[StrictInt, Field(ge=1, le=most_options)]


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
    options: list[NewOption] = Field(
        min_length=2, max_length=most_options, json_schema_extra={"uniqueItems": True}
    )
    min_choices: Choices = 1
    max_choices: Choices = 1
    closes_at: InstantInput | None = None
    results: Results = "always"
    allow_vote_change: StrictBool = False
    visibility: Visibility = "public"

    @model_validator(mode="after")
    def _options_differ(self) -> NewPoll:
        check_options_differ([option.text for option in self.options])
        check_choices(self.min_choices, self.max_choices, len(self.options))
        return self


class OptionBody(Body):
    """An option of a poll."""

    id: ObjectIdText
    text: str
    poll_id: ObjectIdText


example_poll: dict[str, Any] = {
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

    model_config = ConfigDict(json_schema_extra={"examples": [example_poll]})

    id: ObjectIdText
    question: str
    user_id: ObjectIdText
    created_at: Instant
    options: list[OptionBody]
    status: Status
    closes_at: Instant | None
    min_choices: int
    max_choices: int
    results: Results
    allow_vote_change: bool
    visibility: Visibility


def check_options_differ(texts: list[str]) -> None:
    """Raises ``ValueError`` when two options read alike, case aside."""
    if len({fold(text) for text in texts}) < len(texts):
        raise ValueError("options: no two options may be alike")


def check_choices(least: int, most: int, options: int) -> None:
    """Raises ``ValueError`` unless 1 ≤ least ≤ most ≤ number of options."""
    if least > most:
        raise ValueError("minChoices: must not be more than maxChoices")
    if most > options:
        raise ValueError("maxChoices: must not be more than the number of options")


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
