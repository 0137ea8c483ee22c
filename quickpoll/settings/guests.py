"""Guests: people without an account."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from quickpoll.settings.fields import long_enough, setting


class GuestSettings(BaseSettings):
    """Guests: people without an account."""

    api_guests: Literal["on", "off"] = setting(
        "off", "whether people without an account can vote, where a poll admits them", "on"
    )
    api_guest_key: SecretStr | None = setting(
        None,
        "the secret that signs guests' tokens, 32 bytes or more, never JWT_SECRET_KEY; required"
        " where guests are on",
        "$(openssl rand -hex 32)",
    )
    api_guest_proof_from: int = setting(
        200,
        "new guests of one address in 10 minutes from which on each has to bring a proof of work",
        "200",
        ge=0,
    )
    api_guest_limit: int = setting(
        2000, "new guests of one address in 10 minutes; beyond it: 429", "2000", ge=1
    )

    @field_validator("api_guest_key")
    @classmethod
    def _guest_key_is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        return long_enough(value)

    @model_validator(mode="after")
    def _guests_have_a_key(self) -> Self:
        if self.api_guests == "on" and self.api_guest_key is None:
            raise ValueError("API_GUEST_KEY: it is missing, and guests are on")
        return self
