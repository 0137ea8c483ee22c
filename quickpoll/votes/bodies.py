"""Ballots as requests and answers carry them."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, field_validator

from quickpoll.foundation.http.wording import faults
from quickpoll.polls.bodies import Body, Count, Instant, ObjectIdInput, ObjectIdText
from quickpoll.polls.validators import MOST_OPTIONS


class BallotChoice(Body):
    """The whole ballot; the order of the options has no meaning."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"optionIds": ["65f1c0ffee0000000000b001"]}]}
    )

    option_ids: list[ObjectIdInput] = Field(
        min_length=1, max_length=MOST_OPTIONS, description="None of them twice."
    )

    @field_validator("option_ids")
    @classmethod
    def _all_different(cls, value: list[str]) -> list[str]:
        if twice := [place for place, one in enumerate(value) if one in value[:place]]:
            raise faults([((place,), "This option is named twice.") for place in twice])
        return value


HexHash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""32 bytes in hexadecimal."""


class PromiseBody(Body):
    """A signed word that an entry will be in the log of its poll: keep it, and hold the log to it.

    ``pepper`` and ``salt`` open the entry, ``index`` and ``path`` lead from it to the root of a
    small tree, which ``note`` (C2SP signed-note) signs.
    """

    entry: str
    pepper: HexHash
    salt: HexHash | None = None
    index: Count
    path: list[str]
    note: str


class VoteBody(Body):
    """A ballot: ``optionId`` is the first of ``optionIds``, which are in the poll's order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "65f1c0ffee0000000000d001",
                    "userId": "65f1c0ffee0000000000c001",
                    "optionId": "65f1c0ffee0000000000b001",
                    "optionIds": ["65f1c0ffee0000000000b001"],
                    "pollId": "65f1c0ffee0000000000a001",
                    "createdAt": "2030-01-31T12:00:00.000Z",
                }
            ]
        }
    )

    id: ObjectIdText
    user_id: ObjectIdText
    option_id: ObjectIdText
    option_ids: list[ObjectIdText]
    poll_id: ObjectIdText
    created_at: Instant
    promise: PromiseBody | None = Field(
        None, description="With the answer to a write, on a verifiable poll."
    )
