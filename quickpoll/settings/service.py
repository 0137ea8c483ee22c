"""All settings of the service, group by group."""

from __future__ import annotations

from typing import Self

from pydantic import SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from quickpoll.foundation.stores.addresses import without_password
from quickpoll.settings.guests import GuestSettings
from quickpoll.settings.limits import LimitSettings, RealtimeSettings
from quickpoll.settings.operations import OperationSettings
from quickpoll.settings.people import PeopleSettings
from quickpoll.settings.stores import StoreSettings
from quickpoll.settings.tokens import TokenSettings
from quickpoll.settings.verification import VerificationSettings
from quickpoll.settings.web import WebSettings
from quickpoll.settings.webhooks import WebhookSettings

GROUPS: tuple[type[BaseSettings], ...] = (
    StoreSettings,
    TokenSettings,
    WebSettings,
    GuestSettings,
    VerificationSettings,
    WebhookSettings,
    PeopleSettings,
    LimitSettings,
    RealtimeSettings,
    OperationSettings,
)
"""In the order of the documentation; each one's docstring begins with its heading."""


class Settings(
    StoreSettings,
    TokenSettings,
    WebSettings,
    GuestSettings,
    VerificationSettings,
    WebhookSettings,
    PeopleSettings,
    LimitSettings,
    RealtimeSettings,
    OperationSettings,
):
    """What an operator can set. See the descriptions of the fields."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        guests, users = self.api_guest_key, self.jwt_secret_key
        if guests is not None and guests == users:
            raise ValueError(
                "API_GUEST_KEY: it is the same as JWT_SECRET_KEY, so guests could be anybody"
            )
        return self


def names() -> tuple[str, ...]:
    """The variables of all settings, group by group."""
    return tuple(name.upper() for group in GROUPS for name in group.model_fields)


def masked(settings: Settings) -> dict[str, str]:
    """Every setting by its variable's name, secrets and passwords masked."""
    return {name: _shown(getattr(settings, name.lower())) for name in names()}


def _shown(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, SecretStr):
        return without_password(value.get_secret_value())
    return ",".join(value) if isinstance(value, tuple) else str(value)
