"""The lane answers what Quart would answer, byte for byte."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from quart import Quart

from quickpoll.factory import create_app
from quickpoll.fast_path.dispatch import FastPath
from quickpoll.settings import Settings
from tests.asgi import Answered, Request, ask
from tests.builders import create_poll, option, vote
from tests.conftest import bearer, served, sign
from tests.instances import free_port

owner = "65f1c0ffee0000000000a001"
voter = "65f1c0ffee0000000000a002"
unknown = "65f1c0ffee00000000000404"
page = {"Origin": "https://a.example"}

get, cast, like, listing = (
    f"/api/poll/{name}" for name in ("get-poll-by-id", "vote-on-poll", "like-poll", "get-all-polls")
)


class Both:
    """The lane, and Quart behind it, over the same stores."""

    def __init__(self, app: Quart) -> None:
        self.lane: FastPath = app.extensions["quickpoll.fast_path"]

    async def answers(self, request: Request) -> tuple[Answered, Answered]:
        """What the lane answers, and what Quart does."""
        assert self.lane.take(request.scope()) is not None
        return await ask(self.lane, request), await ask(self.lane.app, request)

    async def agree(self, request: Request) -> Answered:
        """The answer that both give."""
        by_lane, by_quart = await self.answers(request)
        assert by_lane == by_quart
        return by_lane


@pytest.fixture
def both(app: Quart, client: httpx.AsyncClient) -> Both:
    return Both(app)


@pytest.fixture
async def polls(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    """One poll of each kind, with one vote of ``voter`` on the first option."""
    kinds: dict[str, dict[str, Any]] = {
        "open": {},
        "changeable": {"allowVoteChange": True},
        "hidden": {"results": "owner"},
        "two": {"minChoices": 2, "maxChoices": 2},
        "closed": {},
    }
    made = {kind: await create_poll(client, owner, **fields) for kind, fields in kinds.items()}
    for kind in ("open", "changeable", "hidden", "closed"):
        assert (await vote(client, made[kind], 0, voter)).status_code == 201
    closed = await client.post(
        f"/api/poll/close-poll/{made['closed']['id']}", headers=bearer(owner)
    )
    assert closed.status_code == 200
    return made


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


async def test_votes_that_are_refused(both: Both, polls: dict[str, dict[str, Any]]) -> None:
    def on(kind: str, choice: str | None = None) -> Request:
        poll = polls[kind]
        path = f"{cast}/{poll['id']}/{choice or option(poll, 1)}"
        return Request("POST", path, {**bearer(voter), **page})

    refused = [
        (on("open"), 409, b'"already_voted"'),
        (on("open", unknown), 404, b'"option_not_found"'),
        (on("open", option(polls["closed"], 0)), 404, b'"option_not_found"'),
        (Request("POST", f"{cast}/{unknown}/{unknown}", bearer(voter)), 404, b'"poll_not_found"'),
        (on("two"), 422, b'"invalid_request"'),
        (on("closed"), 409, b'"poll_closed"'),
    ]
    for request, status, code in refused:
        answer = await both.agree(request)
        assert (answer.status, code in answer.body) == (status, True), answer


async def test_votes_that_stand(both: Both, polls: dict[str, dict[str, Any]]) -> None:
    for kind in ("open", "changeable", "closed"):
        path = f"{cast}/{polls[kind]['id']}/{option(polls[kind], 0)}"
        for repeated in (path, path.upper().replace("/API/POLL/VOTE-ON-POLL", cast)):
            answer = await both.agree(Request("POST", repeated, bearer(voter)))
            assert answer.status == 200


async def test_votes_that_are_changed(both: Both, polls: dict[str, dict[str, Any]]) -> None:
    poll = polls["changeable"]
    for place in (1, 2, 0):
        request = Request("POST", f"{cast}/{poll['id']}/{option(poll, place)}", bearer(voter))
        answer = await both.agree(request)
        assert answer.status == 200
        assert option(poll, place).encode() in answer.body


async def test_new_votes(both: Both, polls: dict[str, dict[str, Any]]) -> None:
    path = f"{cast}/{polls['open']['id']}/{option(polls['open'], 1)}"
    by_lane = await ask(both.lane, Request("POST", path, {**bearer(), **page}))
    by_quart = await ask(both.lane.app, Request("POST", path, {**bearer(), **page}))

    assert by_lane.status == 201
    assert _without_names(by_lane) == _without_names(by_quart)


def _without_names(answer: Answered) -> Answered:
    body = re.sub(rb'"(id|userId|createdAt)":"[^"]*"', rb'"\1":"..."', answer.body)
    return replace(answer, body=body)


async def test_both_say_which_route_it_is(both: Both, polls: dict[str, dict[str, Any]]) -> None:
    request = Request("GET", f"{get}/{polls['open']['id']}", bearer(voter))
    by_lane, by_quart = request.scope(), request.scope()
    await ask(both.lane, request, by_lane)
    await ask(both.lane.app, request, by_quart)

    assert by_lane["quickpoll.route"] == by_quart["quickpoll.route"]


async def test_likes(both: Both, polls: dict[str, dict[str, Any]]) -> None:
    path = f"{like}/{polls['open']['id']}"
    for method, likes in (("PUT", 1), ("DELETE", 0)):
        answer = await both.agree(Request(method, path, {**bearer(voter), **page}))
        assert (answer.status, b'"likes":%d' % likes in answer.body) == (200, True)
    toggled, back = await both.answers(Request("POST", path, bearer(voter)))
    assert (b'"liked":true' in toggled.body, b'"liked":false' in back.body) == (True, True)
    assert (toggled.status, dict(toggled.fields).keys()) == (200, dict(back.fields).keys())
    for method in ("PUT", "DELETE", "POST"):
        assert (await both.agree(Request(method, f"{like}/{unknown}", bearer(voter)))).status == 404


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


async def test_the_limit_of_a_user(settings: Settings) -> None:
    limited = {"api_rate_limits": "on", "api_rate_limit_user": 1, "api_rate_limit_address": 1}
    app = create_app(settings.model_copy(update=limited))
    async with served(app):
        both = Both(app)
        for fields in (bearer(voter), {}):
            request = Request("GET", f"{get}/{unknown}", fields)
            assert (await ask(both.lane, request)).status in (401, 404)
            assert (await both.agree(request)).status == 429


async def test_without_the_database(settings: Settings) -> None:
    away = f"mongodb://127.0.0.1:{free_port()}/none"
    values = {**settings.model_dump(), "api_database_url": away}
    app = create_app(Settings(_env_file=None, **values))
    async with app.test_app():
        for request in (
            Request("GET", f"{get}/{unknown}", bearer(voter)),
            Request("POST", f"{cast}/{unknown}/{unknown}", bearer(voter)),
        ):
            answer = await Both(app).agree(request)
            assert (answer.status, dict(answer.fields)[b"retry-after"]) == (503, b"1")


left_to_quart = {
    "another method": Request("GET", f"{cast}/{unknown}/{unknown}", bearer(voter)),
    "preflight": Request("OPTIONS", f"{cast}/{unknown}/{unknown}", page),
    "an empty id": Request("POST", f"{cast}/{unknown}/", bearer(voter)),
    "a part too many": Request("GET", f"{get}/{unknown}/", bearer(voter)),
    "a body": Request("POST", f"{cast}/{unknown}/{unknown}", bearer(voter), body=b"{}"),
    "a large body": Request("PUT", f"{like}/{unknown}", bearer(voter), body=b"x" * 70_000),
    "a prefix": Request("GET", f"/p{get}/{unknown}", bearer(voter), root_path="/p"),
    "a wide origin": Request("GET", f"{get}/{unknown}", {**bearer(voter), "Origin": "https://*"}),
    "a strange host": Request("GET", f"{get}/{unknown}", bearer(voter), host="a b"),
    "a bad query": Request("GET", listing, bearer(voter), "limit=0"),
    "a query twice": Request("GET", listing, bearer(voter), "limit=1&limit=2"),
    "an encoded query": Request("GET", listing, bearer(voter), "q=%C3%A9"),
    "another route": Request("GET", "/api/poll/nothing", bearer(voter)),
    "a page": Request("GET", "/"),
}


@pytest.mark.parametrize("request_", left_to_quart.values(), ids=left_to_quart.keys())
async def test_what_is_out_of_the_ordinary_is_left_to_quart(both: Both, request_: Request) -> None:
    assert both.lane.take(request_.scope()) is None
    assert await ask(both.lane, request_) == await ask(both.lane.app, request_)


@pytest.fixture
async def plain(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with served(create_app(settings, fast_path=False)) as client:
        yield client


async def test_the_application_without_the_lane(plain: httpx.AsyncClient) -> None:
    poll = await create_poll(plain, owner)
    assert (await vote(plain, poll, 0, voter)).status_code == 201


@pytest.mark.parametrize("steps", range(1, 12))
async def test_a_vote_that_is_abandoned_is_whole_or_nothing(
    both: Both, client: httpx.AsyncClient, steps: int
) -> None:
    """A server may cancel the request of a client that has gone, at any point."""
    poll = await create_poll(client, owner)
    request = Request("POST", f"{cast}/{poll['id']}/{option(poll, 0)}", bearer(voter))
    vote = asyncio.create_task(ask(both.lane, request))
    for _ in range(steps):
        await asyncio.sleep(0)
    vote.cancel()
    await asyncio.gather(vote, return_exceptions=True)

    assert (await ask(both.lane, request)).status in (200, 201)
    seen = await both.agree(Request("GET", f"{get}/{poll['id']}", bearer(voter)))
    assert b'"%b":1' % option(poll, 0).encode() in seen.body
