"""Header fields that list something list it in one order, whichever process answers."""

from __future__ import annotations

import re

import httpx
from quart import Quart

from tests.conftest import bearer

asked = "x-request-id, if-none-match, content-type, authorization"


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
        answer = await client.options(path, headers=headers)
        assert answer.headers["Access-Control-Allow-Headers"] == ", ".join(
            sorted(asked.split(", "))
        )
        assert in_order(answer.headers["Access-Control-Expose-Headers"])
