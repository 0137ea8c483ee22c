"""Changes of polls as requests and answers carry them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WrapValidator, field_validator

from quickpoll.foundation.http.wording import faults
from quickpoll.polls.bodies import (
    Body,
    Instant,
    ObjectIdInput,
    ObjectIdText,
    OptionText,
    PollSettings,
    Question,
)
from quickpoll.polls.validators import MOST_OPTIONS, told_apart


class OptionUpdate(Body):
    """An option as it is to be: one that there is, by its ``id``, or without one a new one."""

    id: ObjectIdInput = Field(default_factory=str)
    text: OptionText


def _nothing_by_default(schema: dict[str, Any]) -> None:
    """A field that is left out is not changed, whatever stands for it in the model."""
    for field in schema["properties"].values():
        field.pop("default", None)
    schema["examples"] = [{"closesAt": "2030-02-01T18:00:00Z", "visibility": "unlisted"}]


class PollUpdate(PollSettings):
    """The fields to change; those left out stay. ``closesAt: null`` takes the deadline away."""

    model_config = ConfigDict(json_schema_extra=_nothing_by_default)

    question: Question = ""
    options: Annotated[list[OptionUpdate], WrapValidator(told_apart)] = Field(
        default=[],
        min_length=2,
        max_length=MOST_OPTIONS,
        description="The whole list as it is to be, in this order: options with an `id` are kept, "
        "those without one are new, those that are not in it go. No two may look alike.",
    )

    @field_validator("options")
    @classmethod
    def _ids_differ(cls, value: list[OptionUpdate]) -> list[OptionUpdate]:
        ids = [option.id for option in value]
        if twice := [place for place, one in enumerate(ids) if one and one in ids[:place]]:
            raise faults([((place, "id"), "This option is named twice.") for place in twice])
        return value

    def given(self) -> dict[str, Any]:
        """The fields that the request names."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class HistoryAuthor(Body):
    """Who changed a poll: its owner, an administrator (``admin``, of another's poll), or the
    service itself, by a deadline or a command."""

    type: Literal["user", "admin", "service"]
    id: ObjectIdText | None = Field(description="Null for the service, and for who was erased.")


class HistoryRow(Body):
    """One change: when, what, and the fields before and after."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "at": "2030-01-31T12:00:00.000Z",
                    "change": "closed",
                    "from": {"status": "open", "closedAt": None},
                    "to": {"status": "closed", "closedAt": "2030-01-31T12:00:00.000Z"},
                    "by": {"type": "user", "id": "65f1c0ffee0000000000c001"},
                }
            ]
        }
    )

    at: Instant
    change: Literal["updated", "closed", "reopened"]
    from_: dict[str, Any] = Field(alias="from")
    to: dict[str, Any]
    by: HistoryAuthor | None = Field(
        None, description="For the owner and administrators; for others it is left out."
    )
