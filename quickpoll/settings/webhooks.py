"""Webhooks: whether, and where they may go."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Literal

from pydantic import field_validator
from pydantic_settings import BaseSettings

from quickpoll.settings.fields import CommaSeparated, setting

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?", re.ASCII | re.IGNORECASE)


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

    @field_validator("api_webhook_allow")
    @classmethod
    def _are_hosts_or_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not (_is_network(one) or _HOST.fullmatch(one)) or _looks_like_one(one):
                raise ValueError(f"{one!r} is neither a host name nor an address nor a network")
        return value


def _is_network(text: str) -> bool:
    try:
        ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return False
    return True


def _looks_like_one(text: str) -> bool:
    """Whether somebody has mistyped an address: no name ends in a number."""
    return not _is_network(text) and text.rstrip(".").rpartition(".")[2].isdecimal()
