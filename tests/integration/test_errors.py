"""Bad input gets a clear error and loses nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import bearer

create = "/api/poll/create-poll"
options = [{"text": "a"}, {"text": "b"}]

bad_bodies: dict[str, tuple[bytes, str, int, str]] = {
    "no json": (b"{", "application/json", 400, "malformed_json"),
    "no utf-8": (b"\xff\xfe", "application/json", 400, "malformed_json"),
    "nan": (b'{"question": NaN}', "application/json", 400, "malformed_json"),
    "deep": (b"[" * 60_000, "application/json", 400, "malformed_json"),
    "text": (b"{}", "text/plain", 415, "unsupported_media_type"),
    "large": (b"x" * 70_000, "application/json", 413, "payload_too_large"),
    "null": (b"null", "application/json", 422, "invalid_request"),
    "surrogate": (
        b'{"question":"\\ud800","options":[{"text":"a"},{"text":"b"}]}',
        "application/json",
        422,
        "invalid_request",
    ),
}


@pytest.mark.parametrize("case", bad_bodies.values(), ids=bad_bodies.keys())
async def test_a_bad_body(client: httpx.AsyncClient, case: tuple[bytes, str, int, str]) -> None:
    body, kind, status, code = case
    answer = await client.post(create, content=body, headers={**bearer(), "Content-Type": kind})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 415),
        ({"Content-Type": "application/json;charset=UTF-8"}, 201),
        ({"Content-Type": 'Application/JSON; charset="utf-8"'}, 201),
        ({"Content-Type": "application/json; charset=iso-8859-1"}, 415),
        ({"Content-Type": "application/vnd.api+json"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "identity"}, 201),
    ],
)
async def test_only_json_in_utf_8_is_taken(
    client: httpx.AsyncClient, fields: dict[str, str], status: int
) -> None:
    body = b'{"question": "Q?", "options": [{"text": "a"}, {"text": "b"}]}'
    answer = await client.post(create, content=body, headers={**bearer(), **fields})
    assert answer.status_code == status


bad_polls: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"colour": "red"}, "colour"),
    "empty question": ({"question": "  "}, "question"),
    "long question": ({"question": "x" * 501}, "question"),
    "control character": ({"question": "a\x07b"}, "question"),
    "one option": ({"options": options[:1]}, "options"),
    "many options": ({"options": [{"text": str(n)} for n in range(51)]}, "options"),
    "alike": ({"options": [{"text": "A"}, {"text": " a "}]}, "options.1.text"),
    "long option": ({"options": [{"text": "x" * 201}, {"text": "b"}]}, "options.0.text"),
    "too many choices": ({"maxChoices": 3}, "maxChoices"),
    "minimum over maximum": ({"minChoices": 2, "maxChoices": 1}, "minChoices"),
    "no choices": ({"minChoices": 0}, "minChoices"),
    "text for a number": ({"maxChoices": "2"}, "maxChoices"),
    "past deadline": ({"closesAt": "2020-01-01T00:00:00Z"}, "closesAt"),
    "no offset": ({"closesAt": "2090-01-01T00:00:00"}, "closesAt"),
    "number for a time": ({"closesAt": 4_000_000_000}, "closesAt"),
    "results": ({"results": "never"}, "results"),
    "text for a truth": ({"allowVoteChange": "yes"}, "allowVoteChange"),
}


@pytest.mark.parametrize("case", bad_polls.values(), ids=bad_polls.keys())
async def test_a_bad_poll(client: httpx.AsyncClient, case: tuple[dict[str, Any], str]) -> None:
    fields, blamed = case
    asked = {"question": "Q?", "options": options, **fields}

    answer = await client.post(create, json=asked, headers=bearer())

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert blamed in [one["field"] for one in answer.json()["errors"]]


async def test_addresses_and_methods(client: httpx.AsyncClient) -> None:
    nothing = await client.get("/api/nothing", headers=bearer())
    wrong = await client.get(create, headers=bearer())
    head = await client.head("/api/poll/get-all-polls", headers=bearer())

    assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in wrong.headers["Allow"]
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/metrics", "/docs"])
async def test_open_to_all(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


async def test_the_service_says_who_it_is(client: httpx.AsyncClient) -> None:
    body = (await client.get("/")).json()
    assert body["service"] == "quickpoll"
    assert set(body) == {"service", "status", "version"}


async def test_limits(settings: Any) -> None:
    from quickpoll.factory import create_app
    from tests.conftest import served

    limited = settings.model_copy(
        update={"api_rate_limits": "on", "api_rate_limit_user": 5, "api_rate_limit_address": 3}
    )
    async with served(create_app(limited)) as client:
        user = bearer("65f1c0ffee0000000000c001")
        path = "/api/poll/get-all-polls"
        statuses = [(await client.get(path, headers=user)).status_code for _ in range(6)]
        strangers = [(await client.get(path)) for _ in range(4)]

    assert statuses == [200] * 5 + [429]
    assert [one.status_code for one in strangers] == [401] * 3 + [429]
    assert strangers[-1].json()["code"] == "rate_limited"
    assert int(strangers[-1].headers["Retry-After"]) >= 1
