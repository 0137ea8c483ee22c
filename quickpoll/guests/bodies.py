"""Guests and invites as requests and answers carry them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from quickpoll.guests.rules import MOST_INVITES
from quickpoll.polls.bodies import Body, Instant, ObjectIdText
from quickpoll.polls.validators import whole


class GuestEntry(Body):
    """How a guest comes in: ``{}``, or with an invite. A proof of work only where one was asked
    for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"invite": "7K3M-9QTX-2HVC"}]})

    invite: Annotated[str, Field(strict=True, min_length=1, max_length=100)] = Field(
        default_factory=str,
        description="In any case; blanks and dashes are ignored. One invite is one guest, on "
        "however many devices.",
    )
    proof: Annotated[str, Field(strict=True, min_length=1, max_length=8192)] = Field(
        default_factory=str,
        description="The payload of a solved `challenge`, as ALTCHA's widget makes it; good once, "
        "for 10 minutes.",
    )


class GuestBody(Body):
    """A guest, and the token that they send as everybody sends theirs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJxdWlja3BvbGwifQ.c2ln",
                    "userId": "65f1c0ffee0000000000c002",
                    "expiresAt": "2030-01-31T12:00:00.000Z",
                }
            ]
        }
    )

    token: str
    user_id: ObjectIdText
    expires_at: Instant


class NewInvites(Body):
    """How many invites to make."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 30}]})

    count: Annotated[int, Field(strict=True, ge=1, le=MOST_INVITES), BeforeValidator(whole)]


class InvitesBody(Body):
    """New invites: shown this once, and never again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"invites": ["7K3M-9QTX-2HVC", "B8DN-W4RZ-6YQE"]}]}
    )

    invites: list[str]
