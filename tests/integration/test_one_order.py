"""Header fields that list something list it in one order, whichever process answers."""

from __future__ import annotations

import re

import httpx
import pytest
from quart import Quart

from quickpoll.settings import Settings
from tests.conftest import bearer
from tests.guests import with_guests

asked = "x-request-id, if-none-match, content-type, authorization"


for_everybody = ("/log/", "/static/")
"""Files that say the same to pages of any origin, whatever those ask."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_guests(settings, api_webhooks="on")


def paths(app: Quart) -> set[str]:
    """One address of each route."""
    return {re.sub("<[^>]+>", "a" * 24, rule.rule) for rule in app.url_map.iter_rules()}


def in_order(field: str | None) -> bool:
    values = (field or "").split(", ")
    return field is not None and values == sorted(values)


async def test_methods(app: Quart, client: httpx.AsyncClient) -> None:
    for path in paths(app):
        for method in ("OPTIONS", "PROPFIND"):
            answer = await client.request(method, path, headers=bearer())
            assert in_order(answer.headers.get("Allow")), (method, path, answer.status_code)


async def test_preflights(app: Quart, client: httpx.AsyncClient) -> None:
    headers = {
        "Origin": "http://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": asked,
    }
    for path in paths(app):
        if path.startswith(for_everybody):
            continue
        answer = await client.options(path, headers=headers)
        assert answer.headers["Access-Control-Allow-Headers"] == ", ".join(
            sorted(asked.split(", "))
        )
        assert in_order(answer.headers["Access-Control-Expose-Headers"])
