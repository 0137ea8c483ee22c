"""The lane answers reads as Quart would answer them, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.asgi import Request
from tests.builders import create_poll
from tests.conftest import bearer, served, sign
from tests.integration.fast_path.both import (
    Both,
    cast,
    get,
    like,
    listing,
    owner,
    page,
    unknown,
    voter,
)

bad_tokens = {
    "none": {},
    "basic": {"Authorization": "Basic eDp5"},
    "empty": {"Authorization": "Bearer "},
    "garbage": {"Authorization": "Bearer x.y.z"},
    "not latin": {"Authorization": "Bearer \xe9"},
    "expired": {"Authorization": f"Bearer {sign(voter, seconds=-1)}"},
    "no user": {"Authorization": f"Bearer {sign('nobody')}"},
}


@pytest.mark.parametrize("fields", bad_tokens.values(), ids=bad_tokens.keys())
async def test_nobody_without_a_token(both: Both, fields: dict[str, str]) -> None:
    for request in (
        Request("GET", f"{get}/{unknown}", fields),
        Request("POST", f"{cast}/{unknown}/{unknown}", {**fields, **page}),
        Request("PUT", f"{like}/{unknown}", fields),
        Request("GET", listing, fields),
    ):
        answer = await both.agree(request)
        assert answer.status == 401


@pytest.mark.parametrize("kind", ["open", "changeable", "hidden", "two", "closed"])
@pytest.mark.parametrize("user", [owner, voter])
async def test_reading_a_poll(
    both: Both, polls: dict[str, dict[str, Any]], kind: str, user: str
) -> None:
    asked = Request("GET", f"{get}/{polls[kind]['id']}", bearer(user))
    upper = replace(asked, path=f"{get}/{polls[kind]['id'].upper()}")

    answer = await both.agree(asked)

    assert answer.status == 200
    assert await both.agree(upper) == answer
    assert await both.agree(replace(asked, query="any=thing&x")) == answer
    assert await both.agree(replace(asked, method="HEAD")) == answer


async def test_an_answer_that_the_caller_has(both: Both, polls: dict[str, dict[str, Any]]) -> None:
    asked = Request("GET", f"{get}/{polls['open']['id']}", bearer(voter))
    tag = dict((await both.agree(asked)).fields)[b"etag"].decode()

    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        for method in ("GET", "HEAD"):
            again = replace(asked, method=method, fields={**asked.fields, "If-None-Match": held})
            answer = await both.agree(again)
            assert (answer.status, answer.body) == (304, b"")
            assert not {b"content-type", b"content-length"} & dict(answer.fields).keys()
    stale = replace(asked, fields={**asked.fields, "If-None-Match": '"other"'})
    assert (await both.agree(stale)).status == 200


origins = ["https://a.example", "https://b.example", "null", ""]


@pytest.mark.parametrize("allowed", [("*",), ("https://a.example", "https://c.example")])
async def test_pages_of_other_origins(settings: Settings, allowed: tuple[str, ...]) -> None:
    app = create_app(settings.model_copy(update={"cors_origins": allowed}))
    async with served(app) as client:
        both, poll = Both(app), await create_poll(client, owner)
        for origin in origins:
            fields = {**bearer(voter), "Origin": origin}
            answer = await both.agree(Request("GET", f"{get}/{poll['id']}", fields))
            named = dict(answer.fields).get(b"access-control-allow-origin")
            may = origin and ("*" in allowed or origin in allowed)
            assert named == (origin.encode() if may else None)
            await both.agree(Request("POST", f"{cast}/{unknown}/{unknown}", fields))
            await both.agree(Request("GET", listing, {"Origin": origin}))


@pytest.mark.parametrize(
    "no_id", ["zzz", unknown[:-1], unknown + "\n", "é" * 24, "..", "{poll_id}"]
)
async def test_what_is_no_id(both: Both, no_id: str) -> None:
    for request in (
        Request("GET", f"{get}/{no_id}", bearer(voter)),
        Request("POST", f"{cast}/{no_id}/{unknown}", bearer(voter)),
        Request("POST", f"{cast}/{unknown}/{no_id}", bearer(voter)),
        Request("PUT", f"{like}/{no_id}", bearer(voter)),
    ):
        assert (await both.agree(request)).status == 422


queries = [
    "",
    "limit=2",
    "limit=2&sort=popular",
    "status=open",
    "status=closed&limit=1",
    "q=colour",
    "q=",
    "limit=100&sort=newest",
    "colour=red",
]


@pytest.mark.parametrize("query", queries)
async def test_pages(both: Both, polls: dict[str, dict[str, Any]], query: str) -> None:
    asked = Request("GET", listing, {**bearer(voter), **page}, query)
    answer = await both.agree(asked)
    assert answer.status == 200
    assert await both.agree(replace(asked, method="HEAD")) == answer

    link = dict(answer.fields).get(b"link")
    assert (link is not None) == (query in ("limit=2", "limit=2&sort=popular"))
    if link is not None:
        following = link.decode().partition("?")[2].partition(">")[0]
        assert (await both.agree(replace(asked, query=following))).status == 200
