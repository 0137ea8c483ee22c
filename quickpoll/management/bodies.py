"""Changes of polls as requests and answers carry them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, StrictBool, field_validator

from quickpoll.polls.bodies import (
    Body,
    Choices,
    Instant,
    InstantInput,
    ObjectIdInput,
    OptionText,
    Question,
    Results,
    Visibility,
    check_options_differ,
    most_options,
)


class OptionUpdate(Body):
    """A new text for an option that there is."""

    id: ObjectIdInput
    text: OptionText


class PollUpdate(Body):
    """The fields to change; those left out stay. ``closesAt: null`` takes the deadline away."""

    question: Question = ""
    options: list[OptionUpdate] = Field(default=[], min_length=2, max_length=most_options)
    min_choices: Choices = 1
    max_choices: Choices = 1
    closes_at: InstantInput | None = None
    results: Results = "always"
    allow_vote_change: StrictBool = False
    visibility: Visibility = "public"

    @field_validator("options")
    @classmethod
    def _options_differ(cls, value: list[OptionUpdate]) -> list[OptionUpdate]:
        if len({option.id for option in value}) < len(value):
            raise ValueError("must not name an option twice")
        check_options_differ([option.text for option in value])
        return value

    def given(self) -> dict[str, Any]:
        """The fields that the request names."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class HistoryRow(Body):
    """One change: when, what, and the fields before and after."""

    at: Instant
    change: Literal["updated", "closed", "reopened"]
    from_: dict[str, Any] = Field(alias="from")
    to: dict[str, Any]
