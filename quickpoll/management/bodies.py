"""Changes of polls as requests and answers carry them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictBool, WrapValidator, field_validator

from quickpoll.foundation.http.wording import faults
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
)
from quickpoll.polls.validators import MOST_OPTIONS, told_apart


class OptionUpdate(Body):
    """A new text for an option that there is."""

    id: ObjectIdInput
    text: OptionText


def _nothing_by_default(schema: dict[str, Any]) -> None:
    """A field that is left out is not changed, whatever stands for it in the model."""
    for field in schema["properties"].values():
        field.pop("default", None)
    schema["examples"] = [{"closesAt": "2030-02-01T18:00:00Z", "visibility": "unlisted"}]


class PollUpdate(Body):
    """The fields to change; those left out stay. ``closesAt: null`` takes the deadline away."""

    model_config = ConfigDict(json_schema_extra=_nothing_by_default)

    question: Question = ""
    options: Annotated[list[OptionUpdate], WrapValidator(told_apart)] = Field(
        default=[],
        min_length=2,
        max_length=MOST_OPTIONS,
        description="No two may look alike.",
    )
    min_choices: Choices = 1
    max_choices: Choices = 1
    closes_at: InstantInput | None = None
    results: Results = "always"
    allow_vote_change: StrictBool = False
    visibility: Visibility = "public"

    @field_validator("options")
    @classmethod
    def _ids_differ(cls, value: list[OptionUpdate]) -> list[OptionUpdate]:
        ids = [option.id for option in value]
        if twice := [place for place, one in enumerate(ids) if one in ids[:place]]:
            raise faults([((place, "id"), "This option is named twice.") for place in twice])
        return value

    def given(self) -> dict[str, Any]:
        """The fields that the request names."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class HistoryRow(Body):
    """One change: when, what, and the fields before and after."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "at": "2030-01-31T12:00:00.000Z",
                    "change": "closed",
                    "from": {"status": "open"},
                    "to": {"status": "closed"},
                }
            ]
        }
    )

    at: Instant
    change: Literal["updated", "closed", "reopened"]
    from_: dict[str, Any] = Field(alias="from")
    to: dict[str, Any]
