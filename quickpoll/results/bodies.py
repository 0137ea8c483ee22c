"""Polls with their counts, as answers carry them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from quickpoll.foundation.http.wording import A_WHOLE_NUMBER, fault, faults
from quickpoll.polls.bodies import (
    EXAMPLE_POLL,
    Body,
    Count,
    Counts,
    Instant,
    InstantInput,
    Int64,
    ObjectIdText,
    PollBody,
    Status,
)
from quickpoll.polls.validators import NO_CONTROL_CHARACTERS, printable

_EXAMPLE_COUNTS: dict[str, Any] = {"65f1c0ffee0000000000b001": 12, "65f1c0ffee0000000000b002": 7}


class PollViewBody(PollBody):
    """A poll, its counts and what the caller has done.

    ``votersCount`` counts ballots, ``votesCount`` the choices made. Where the caller may not see
    the results yet, ``counts`` holds ``likes`` alone, both totals are absent and
    ``resultsHidden`` is true.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **EXAMPLE_POLL,
                    "counts": {"likes": 3, **_EXAMPLE_COUNTS},
                    "votersCount": 19,
                    "votesCount": 19,
                    "version": 1895400000000000,
                    "userHasVoted": "65f1c0ffee0000000000b001",
                    "userVotes": ["65f1c0ffee0000000000b001"],
                    "userHasLiked": False,
                },
                {
                    **EXAMPLE_POLL,
                    "results": "after_close",
                    "counts": {"likes": 3},
                    "version": 1895400000000000,
                    "userHasVoted": None,
                    "userVotes": [],
                    "userHasLiked": True,
                    "resultsHidden": True,
                },
            ]
        }
    )

    counts: Counts = Field(description="`likes`, and each option's votes under its id.")
    voters_count: Count | None = None
    votes_count: Count | None = None
    version: Int64
    user_has_voted: ObjectIdText | None
    user_votes: list[ObjectIdText]
    user_has_liked: bool
    results_hidden: bool | None = Field(None, description="True where they are, else absent.")


class TimelineRow(Body):
    """The counts at the end of one bucket of time that saw a ballot."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"at": "2030-01-31T12:01:00.000Z", "counts": _EXAMPLE_COUNTS}]
        }
    )

    at: Instant
    counts: Counts = Field(description="Each option's votes under its id.")


class ExportOption(Body):
    """An option with its share of the voters in percent."""

    id: ObjectIdText
    text: str
    votes: Count
    percent: float


class BallotsBody(Body):
    """Whose ballots: of people with an account, and of guests."""

    accounts: Count
    guests: Count


class ExportBody(Body):
    """A poll's results to take home."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "poll": EXAMPLE_POLL,
                    "options": [
                        {
                            "id": "65f1c0ffee0000000000b001",
                            "text": "Monday",
                            "votes": 12,
                            "percent": 63.2,
                        },
                        {
                            "id": "65f1c0ffee0000000000b002",
                            "text": "Tuesday",
                            "votes": 7,
                            "percent": 36.8,
                        },
                    ],
                    "votersCount": 19,
                    "votesCount": 19,
                    "ballots": {"accounts": 19, "guests": 0},
                    "likes": 3,
                }
            ]
        }
    )

    poll: PollBody
    options: list[ExportOption]
    voters_count: Count
    votes_count: Count
    ballots: BallotsBody
    likes: Count


class Query(BaseModel):
    """The part of an address behind the question mark; names that it does not know are ignored."""

    model_config = ConfigDict(extra="ignore")


def _digits(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch("-?[0-9]{1,20}", value):
        raise fault(A_WHOLE_NUMBER)
    return value


whole_number = BeforeValidator(_digits)
"""A number as an address carries it: digits, and nothing that merely could be read as them."""


Search = Annotated[
    str,
    Field(max_length=100, json_schema_extra={"pattern": NO_CONTROL_CHARACTERS}),
    AfterValidator(printable),
]


_CONTEXT_KEY = re.compile("[a-z][a-z0-9_]{0,31}")
_CONTEXT_NAME = re.compile(r"context(?:\.(?P<key>.*)|\[(?P<other>.*)\])", re.DOTALL)


def _context(given: Any) -> Any:
    """Gather ``context.<key>``, and ``context[<key>]`` as generated clients write it."""
    if not isinstance(given, dict):
        return given
    named = {name: _CONTEXT_NAME.fullmatch(name) for name in given}
    context = {
        found["key"] or found["other"] or "": given[name] for name, found in named.items() if found
    }
    others = {name: given[name] for name, found in named.items() if not found and name != "context"}
    return {**others, "context": context} if context else others


def _with_good_keys(context: dict[str, str]) -> dict[str, str]:
    bad = [key for key in context if not _CONTEXT_KEY.fullmatch(key)]
    if bad:
        sentence = "Use a small letter, then up to 31 small letters, digits and _."
        raise faults([((key,), sentence) for key in bad])
    return context


ContextValue = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(printable)]


class PollQuery(Query):
    """Which polls a list has, and in which order."""

    limit: Annotated[int, Field(ge=1, le=100), whole_number] = Field(
        50, description="How many polls a page has.", examples=[20]
    )
    cursor: Annotated[str, Field(max_length=1000)] | None = Field(
        None, description="From the `Link` of the page before; absent for the first."
    )
    status: Status | None = Field(None, description="Only open or closed polls.", examples=["open"])
    closed_since: InstantInput | None = Field(
        None,
        alias="closedSince",
        description="Only polls that were closed then or later, by hand or by their deadline.",
        examples=["2030-01-31T12:00:00Z"],
    )
    visibility: (
        Annotated[Literal["any"], WithJsonSchema({"type": "string", "enum": ["any"]})] | None
    ) = Field(None, description="`any`: unlisted polls, too. For administrators.", examples=["any"])
    context: Annotated[dict[str, ContextValue], AfterValidator(_with_good_keys)] = Field(
        {},
        max_length=5,
        description="Only polls whose context has all of these: `context.<key>=<value>`, "
        "or `context[<key>]=<value>`.",
        examples=[{"event": "summer_2030"}],
    )
    q: Search | None = Field(
        None,
        description="Text to be found anywhere in the question, in either case; no pattern.",
        examples=["meet"],
    )
    sort: Literal["newest", "popular"] = Field(
        "newest",
        description="Newest first, or most liked first, then newest. Likes are taken as they are "
        "when a page is asked for: a poll whose likes change between two pages of `popular` may "
        "be on both, or on neither.",
        examples=["newest"],
    )

    _gather_context = model_validator(mode="before")(_context)


class TimelineQuery(Query):
    """How long a bucket is, in seconds."""

    bucket: Annotated[int, Field(ge=1, le=31_536_000), whole_number] = Field(
        60, description="Seconds of a bucket.", examples=[3600]
    )


class ExportQuery(Query):
    """Which format."""

    format: Literal["csv", "json"] = Field(
        "json", description="Which kind of file.", examples=["csv"]
    )
