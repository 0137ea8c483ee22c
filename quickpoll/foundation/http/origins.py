"""Which pages of other origins may read our answers: one rule for every route (Fetch standard)."""

from __future__ import annotations

import re
from typing import Any

from quart import Quart
from quart_cors import cors

EXPOSED = (
    "Content-Disposition",
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "Quickpoll-Promise",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)
"""Headers of an answer that a page may read."""

ALLOWED = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "X-Request-ID",
    "X-Requested-With",
    "baggage",
    "traceparent",
    "tracestate",
)
"""Headers that a page may send: what a route reads, and what libraries and tracers in browsers
add by themselves."""

Fields = list[tuple[bytes, bytes]]

_VARY = (b"vary", b"Origin")


def allow_origins(app: Quart, origins: tuple[str, ...]) -> None:
    """Let pages of these origins call the application; ``*`` is any."""

    # Called after what cors() adds, which is a set, in the order of the day.
    @app.after_request
    async def in_one_order(response: Any) -> Any:
        if response.access_control_allow_headers:
            response.access_control_allow_headers = sorted(response.access_control_allow_headers)
        return response

    # With credentials a browser wants its own origin named, never "*".
    welcome: list[Any] = [re.compile(".*")] if "*" in origins else list(origins)
    cors(
        app,
        allow_origin=welcome,
        allow_credentials=True,
        allow_headers=list(ALLOWED),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        expose_headers=list(EXPOSED),
        max_age=600,
    )


class OriginFields:
    """The fields that :func:`allow_origins` adds to an answer, for whoever answers by itself."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._any = "*" in origins
        self._allowed = frozenset(origin.encode() for origin in origins)
        self._granted = (
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", ", ".join(EXPOSED).encode()),
            _VARY,
        )

    def of(self, origin: bytes | None) -> Fields:
        """For an answer to a page of ``origin`` (``None``: the caller is no page)."""
        if not origin or not (self._any or origin in self._allowed):
            return [_VARY]
        return [(b"access-control-allow-origin", origin), *self._granted]
