"""Polls with their counts, as answers carry them."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from quickpoll.polls.bodies import (
    Body,
    Instant,
    ObjectIdText,
    PollBody,
    Status,
    printable,
)

CountKey = Annotated[str, StringConstraints(pattern="^(likes|[0-9a-f]{24})$")]
Count = Annotated[int, Field(ge=0)]
Counts = Annotated[
    dict[CountKey, Count],
    Field(examples=[{"likes": 3, "65f1c0ffee0000000000b001": 12, "65f1c0ffee0000000000b002": 7}]),
]


class PollView(PollBody):
    """A poll, its counts and what the caller has done.

    ``votersCount`` counts ballots, ``votesCount`` the choices made. Where the caller may not see
    the results yet, ``counts`` holds ``likes`` alone, both totals are absent and
    ``resultsHidden`` is true.
    """

    counts: Counts
    voters_count: Count | None = None
    votes_count: Count | None = None
    version: int
    user_has_voted: ObjectIdText | None
    user_votes: list[ObjectIdText]
    user_has_liked: bool
    results_hidden: Literal[True] | None = None


class TimelineRow(Body):
    """The counts at the end of one bucket of time that saw a ballot."""

    at: Instant
    counts: dict[ObjectIdText, int]


class ExportOption(Body):
    """An option with its share of the voters in percent."""

    id: ObjectIdText
    text: str
    votes: int
    percent: float


class ExportBody(Body):
    """A poll's results to take home."""

    poll: PollBody
    options: list[ExportOption]
    voters_count: int
    votes_count: int
    likes: int


class Query(BaseModel):
    """The part of an address behind the question mark; names that it does not know are ignored."""

    model_config = ConfigDict(extra="ignore")


def _digits(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch("-?[0-9]{1,20}", value):
        raise ValueError("must be a whole number")
    return value


WholeNumber = Annotated[int, BeforeValidator(_digits)]
"""A number as an address carries it: digits, and nothing that merely could be read as them."""


class PollQuery(Query):
    """Which polls a list has, and in which order."""

    limit: Annotated[WholeNumber, Field(ge=1, le=100)] = 50
    cursor: str | None = Field(default=None, max_length=1000)
    status: Status | None = None
    q: Annotated[str, Field(max_length=100), AfterValidator(printable)] | None = None
    sort: Literal["newest", "popular"] = "newest"


class TimelineQuery(Query):
    """How long a bucket is, in seconds."""

    bucket: Annotated[WholeNumber, Field(ge=1, le=31_536_000)] = 60


class ExportQuery(Query):
    """Which format."""

    format: Literal["csv", "json"] = "json"
