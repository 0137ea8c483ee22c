"""Polls as requests and answers carry them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

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
from pydantic_core import PydanticUndefined

from quickpoll.foundation.http.wording import faults
from quickpoll.polls.models import Poll
from quickpoll.polls.validators import (
    LEGIBLE_PATTERN,
    MOST_OPTIONS,
    Context,
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
Guests = Literal["off", "open", "invited"]
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


class PollSettings(Body):
    """What an owner says of a poll beside question and options, and what it is where they say
    nothing.

    The one list of these fields: a poll is created, changed, copied, stored and answered with all
    that stand here, each under the same name in :class:`~quickpoll.polls.models.Poll`.
    """

    min_choices: Choices = 1
    max_choices: Choices = 1
    closes_at: InstantInput | None = None
    results: Results = "always"
    allow_vote_change: StrictBool = False
    visibility: Visibility = "public"
    guests: Guests = Field(
        "off",
        description="Who may vote without an account: nobody, any guest, or who was invited.",
    )
    verifiable: StrictBool = Field(
        False,
        description="Whether anybody can check the result by a public log. Its number of ballots, "
        "and from the close on its result, are then public to whoever has the poll's id.",
    )
    context: Context = Field(
        {},
        description="References of your own, which everybody may read. A key begins with one of "
        "`a-z` and goes on with `a-z`, `0-9` and `_`, up to 32 characters.",
    )

    def settings(self) -> dict[str, Any]:
        """Each of these fields by its name."""
        return {name: getattr(self, name) for name in PollSettings.model_fields}


class NewOption(Body):
    """An option of a new poll."""

    text: OptionText


class PollDefinition(PollSettings):
    """A poll as somebody describes it, whoever is to own it."""

    question: Question
    options: Annotated[list[NewOption], WrapValidator(told_apart)] = Field(
        min_length=2, max_length=MOST_OPTIONS, description="No two may look alike."
    )

    @model_validator(mode="after")
    def _choices_fit(self) -> PollDefinition:
        wrong = misfit(self.min_choices, self.max_choices, len(self.options))
        if wrong is not None:
            raise faults([((wrong[0],), wrong[1])])
        return self


EXAMPLE_NEW_POLL: dict[str, Any] = {
    "question": "When shall we meet?",
    "options": [{"text": "Monday"}, {"text": "Tuesday"}],
    "allowVoteChange": True,
    "context": {"room": "blue"},
}


class NewPoll(PollDefinition):
    """A poll to create."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_NEW_POLL]})

    user_id: ObjectIdInput = Field(
        default_factory=str,
        description="Whose poll it is to be; only administrators may say so. "
        "Left out: the caller's.",
    )


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
    "closedAt": None,
    "minChoices": 1,
    "maxChoices": 1,
    "results": "always",
    "allowVoteChange": True,
    "visibility": "public",
    "guests": "off",
    "verifiable": False,
    "context": {"room": "blue"},
}


Answered = TypeVar("Answered", bound=PollSettings)


def _always_there(model: type[Answered]) -> type[Answered]:
    """Settings have a value in every answer: what may be left out of a request is required."""
    for name in PollSettings.model_fields:
        model.model_fields[name].default = PydanticUndefined
    model.model_rebuild(force=True)
    return model


@_always_there
class PollBody(PollSettings):
    """A poll."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_POLL]})

    id: ObjectIdText
    question: str
    user_id: ObjectIdText
    created_at: Instant
    options: list[OptionBody]
    status: Status
    closed_at: Instant | None = Field(
        description="When it was closed, by hand or by its deadline; null while it is open."
    )


def misfit(least: int, most: int, options: int) -> tuple[str, str] | None:
    """The field that is wrong unless 1 ≤ least ≤ most ≤ number of options, and a sentence."""
    if least > most:
        return "minChoices", "This must not be more than maxChoices."
    if most > options:
        return "maxChoices", f"This must not be more than the number of options ({options})."
    return None


def fields_of(poll: Poll, now: datetime) -> dict[str, Any]:
    """A poll as plain values under its wire names, times as text."""
    poll_id, closed_since = str(poll.id), poll.closed_since(now)
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
        "closedAt": instant(closed_since) if closed_since else None,
        **{wire: _plain(getattr(poll, name)) for name, wire in _SETTINGS.items()},
    }


_SETTINGS = {name: to_camel(name) for name in PollSettings.model_fields}
"""The wire name of each setting."""


def _plain(value: Any) -> Any:
    return instant(value) if isinstance(value, datetime) else value
