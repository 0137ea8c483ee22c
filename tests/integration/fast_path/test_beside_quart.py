"""What the lane leaves to Quart, and where both refuse: limits, stores that are away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.asgi import Request, ask
from tests.builders import create_poll, vote
from tests.conftest import bearer, served
from tests.instances import free_port
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


async def test_both_say_which_route_it_is(both: Both, polls: dict[str, dict[str, Any]]) -> None:
    request = Request("GET", f"{get}/{polls['open']['id']}", bearer(voter))
    by_lane, by_quart = request.scope(), request.scope()
    await ask(both.lane, request, by_lane)
    await ask(both.lane.app, request, by_quart)

    assert by_lane["quickpoll.route"] == by_quart["quickpoll.route"]


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
