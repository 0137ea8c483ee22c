"""How much the service takes on."""

from __future__ import annotations

from typing import Literal

from pydantic_settings import BaseSettings

from quickpoll.settings.fields import setting


class LimitSettings(BaseSettings):
    """Limits: how often callers may ask, and how many votes may wait."""

    api_rate_limits: Literal["on", "off"] = setting("on", "rate limits: on or off", "on")
    api_rate_limit_user: int = setting(
        600, "requests that a user may make in 10 seconds", "600", ge=1
    )
    api_rate_limit_address: int = setting(
        1000,
        "requests that an address may make in 10 seconds without a valid token",
        "1000",
        ge=1,
    )
    api_vote_queue: int = setting(
        10_000,
        "votes (and likes) that may wait in one instance; beyond it: 503 overloaded",
        "10000",
        ge=1,
    )
    api_vote_batch: int = setting(
        512, "most votes written to MongoDB in one batch", "512", ge=1, le=10_000
    )


class RealtimeSettings(BaseSettings):
    """Live updates: how many may watch."""

    api_socket_clients: int = setting(
        20_000, "most Socket.IO clients of one instance", "20000", ge=1
    )
    api_socket_clients_per_user: int = setting(
        2_000, "most Socket.IO clients of one user on one instance", "50", ge=1
    )
