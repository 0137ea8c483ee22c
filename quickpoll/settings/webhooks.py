"""Webhooks: whether, and where they may go."""

from __future__ import annotations

from typing import Literal

from pydantic_settings import BaseSettings

from quickpoll.settings.fields import CommaSeparated, setting


class WebhookSettings(BaseSettings):
    """Webhooks: whether they are sent, and where to."""

    api_webhooks: Literal["on", "off"] = setting(
        "off", "whether other services are told of what happens to polls", "on"
    )
    api_webhook_allow: CommaSeparated = setting(
        (),
        "host names, addresses or networks that webhooks may call although they are private or"
        " unencrypted, comma-separated",
        "hooks.internal,10.1.0.0/16",
    )
