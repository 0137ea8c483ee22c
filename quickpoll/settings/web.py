"""Browsers and proxies in front of the service."""

from __future__ import annotations

import re

from pydantic import field_validator
from pydantic_settings import BaseSettings

from quickpoll.settings.fields import CommaSeparated, WebAddress, origin, setting

_FRAME_SOURCE = re.compile(
    r"\*|'self'|[a-z][a-z0-9+.-]*:"
    r"|([a-z][a-z0-9+.-]*://)?((\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:(\d{1,5}|\*))?",
    re.ASCII | re.IGNORECASE,
)
"""A source as `frame-ancestors` has it (CSP, 2.3.1), without a path, which no origin has: a browser
would let nobody in by it."""


class WebSettings(BaseSettings):
    """Browsers and proxies: whose pages may call, and who stands in front."""

    cors_origins: CommaSeparated = setting(
        ("*",),
        "origins whose pages may call the service, comma-separated; * is any",
        "https://www.example",
        "*",
    )
    api_frame_ancestors: CommaSeparated = setting(
        (),
        "origins that may show the live pages in a frame, comma-separated",
        "https://www.example",
    )
    api_login_url: WebAddress | None = setting(
        None,
        "where people get a token: pages send them there with ?return_to= and their own address,"
        " and they come back with #token=",
        "https://id.example/login",
    )
    api_public_address: WebAddress | None = setting(
        None,
        "the address at which others reach this service: told in place of 127.0.0.1, by codes and"
        " their QR codes, to whoever asks there",
        "http://192.168.1.20:8001",
    )
    api_trusted_proxies: int = setting(
        0,
        "how many proxies stand in front, each adding to X-Forwarded-For",
        "1",
        ge=0,
        le=10,
    )

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one if one == "*" else origin(one) for one in value)

    @field_validator("api_frame_ancestors")
    @classmethod
    def _are_sources(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not _FRAME_SOURCE.fullmatch(one):
                raise ValueError(f"{one!r} is not an origin")
        return value
