"""Several polls in one request, as requests and answers carry them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator

from quickpoll.foundation.openapi.document import Problem
from quickpoll.polls.bodies import EXAMPLE_NEW_POLL, EXAMPLE_POLL, Body, NewPoll, PollBody

MOST_AT_ONCE = 100
"""Polls that one request may create."""


def _as_it_is(value: Any) -> Any:
    """Judged later, so that what is wrong with one is told of that one alone."""
    return value


class NewPolls(Body):
    """Several polls to create, each on its own: one that is wrong keeps no other from it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"polls": [EXAMPLE_NEW_POLL]}]})

    polls: list[Annotated[Any, PlainValidator(_as_it_is, json_schema_input_type=NewPoll)]] = Field(
        min_length=1, max_length=MOST_AT_ONCE
    )


class CreationResult(Body):
    """What came of one of several polls: ``poll`` or ``error`` is there."""

    status: int = Field(
        ge=200, le=599, description="As if it had been sent alone: 201, or that of its error."
    )
    poll: PollBody | None = None
    error: Problem | None = None


class CreatedPolls(Body):
    """What came of each poll, in the order in which they were sent."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"results": [{"status": 201, "poll": EXAMPLE_POLL}]}]}
    )

    results: list[CreationResult]
