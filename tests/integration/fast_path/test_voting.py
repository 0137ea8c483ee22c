"""The lane answers votes and likes as Quart would answer them, byte for byte."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.asgi import Answered, Request, ask
from tests.builders import create_poll, option
from tests.conftest import bearer
from tests.integration.fast_path.both import Both, cast, get, like, owner, page, unknown, voter


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
