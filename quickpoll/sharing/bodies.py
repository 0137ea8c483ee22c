"""Codes as answers carry them."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from quickpoll.polls.bodies import Body
from quickpoll.sharing.rules import ALPHABET, LENGTH


class ShareBody(Body):
    """A code, and the address that it makes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"code": "7K3M9Q", "address": "https://polls.example/j/7K3M9Q"}]
        }
    )

    code: str = Field(
        min_length=LENGTH, max_length=LENGTH, json_schema_extra={"pattern": f"^[{ALPHABET}]+$"}
    )
    address: str = Field(description="Where it leads on from, for people and QR codes.")
