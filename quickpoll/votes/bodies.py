"""Ballots as requests and answers carry them."""

from __future__ import annotations

from pydantic import Field, field_validator

from quickpoll.polls.bodies import Body, Instant, ObjectIdInput, ObjectIdText, most_options


class BallotChoice(Body):
    """The whole ballot; the order of the options has no meaning."""

    option_ids: list[ObjectIdInput] = Field(
        min_length=1, max_length=most_options, json_schema_extra={"uniqueItems": True}
    )

    @field_validator("option_ids")
    @classmethod
    def _all_different(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("must not name an option twice")
        return value


class VoteBody(Body):
    """A ballot: ``optionId`` is the first of ``optionIds``, which are in the poll's order."""

    id: ObjectIdText
    user_id: ObjectIdText
    option_id: ObjectIdText
    option_ids: list[ObjectIdText]
    poll_id: ObjectIdText
    created_at: Instant
