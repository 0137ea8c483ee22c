"""Answers about a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import ConfigDict

from quickpoll.auth.caller import Caller
from quickpoll.polls.bodies import Body, Instant, ObjectIdText, instant

_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 3339 writes no later year."""


class MeBody(Body):
    """Whom the service takes the caller for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "userId": "65f1c0ffee0000000000c001",
                    "roles": ["admin"],
                    "expiresAt": "2030-01-31T12:00:00.000Z",
                }
            ]
        }
    )

    user_id: ObjectIdText
    roles: list[str]
    expires_at: Instant


def fields_of(caller: Caller) -> dict[str, Any]:
    """A caller as plain values under their wire names."""
    return {
        "userId": caller.user_id,
        "roles": list(caller.roles),
        "expiresAt": instant(_moment(caller.expires_at)),
    }


def _moment(seconds: float) -> datetime:
    """A time in seconds since 1970; one that no calendar holds is the last there is."""
    return datetime.fromtimestamp(min(seconds, _LAST.timestamp()), UTC)
