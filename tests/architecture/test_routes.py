"""Every route under ``/api/`` is guarded, and what is open to all is so on purpose."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from quart import Quart

from quickpoll.factory import create_app
from tests.conftest import secret, settings_from

an_id = "64b0c0ffee00000000000001"
methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

open_to_all = {
    "/",
    "/asyncapi.json",
    "/docs",
    "/guest",  # no token yet
    "/health/live",
    "/health/ready",
    "/J",
    f"/J/{an_id}",
    "/j",
    f"/j/{an_id}",
    f"/j/{an_id}/qr.svg",
    "/metrics",
    "/oembed",
    "/openapi.json",
    "/redoc",
}
open_families = ("/api/", "/polls", "/sessions", "/embed/", "/static/", "/log/")
"""And the pages (``/polls…``, ``/sessions…``, ``/embed/…``) with their files (``/static/…``), which
hold no data but what anybody may see, and the logs of verifiable polls, which are there for
everybody. (``/api/`` is looked at above.)"""


@pytest.fixture
def app() -> Quart:
    """An application whose stores are nowhere: a guarded route never gets to them."""
    return create_app(
        settings_from(
            {
                "API_DATABASE_URL": "mongodb://nowhere.invalid/quickpoll",
                "API_REDIS_HOST": "nowhere.invalid",
                "API_RATE_LIMITS": "off",
                "JWT_SECRET_KEY": secret,
                "LOG_LEVEL": "ERROR",
            }
        )
    )


@pytest.fixture
async def client(app: Quart) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, which is not running."""
    whole: Any = app.asgi_app
    transport = httpx.ASGITransport(app=whole)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def addresses(app: Quart) -> list[str]:
    """An address for each route."""
    return sorted({re.sub(r"<[^>]+>", an_id, rule.rule) for rule in app.url_map.iter_rules()})


async def test_no_route_under_api_answers_without_a_token(
    app: Quart, client: httpx.AsyncClient
) -> None:
    guarded = [address for address in addresses(app) if address.startswith("/api/")]
    assert len(guarded) >= 14
    for address in [*guarded, "/api/", "/api/poll", "/api/no/such/route", "/api/poll/ballot/no-id"]:
        for method in methods:
            answer = await client.request(method, address)
            assert answer.status_code == 401, f"{method} {address}"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), f"{method} {address}"
            assert method == "HEAD" or answer.json()["code"] == "missing_token"


async def test_a_bad_token_or_body_is_no_way_in(app: Quart, client: httpx.AsyncClient) -> None:
    for address in addresses(app):
        if address.startswith("/api/"):
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                head = {"Authorization": "Bearer a.b.c", "Content-Type": "application/json"}
                answer = await client.request(method, address, headers=head, content=b"{")
                assert answer.json()["code"] == "invalid_token", f"{method} {address}"


def test_what_is_open_to_all_is_so_on_purpose(app: Quart) -> None:
    opened = {one for one in addresses(app) if not one.startswith(open_families)}
    assert opened == open_to_all
