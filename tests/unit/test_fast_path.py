"""The lane by itself: time limits, faults, and what it does not know."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from quickpoll.auth.caller import Caller
from quickpoll.errors import OptionNotFound
from quickpoll.fast_path.dispatch import FastPath, Route
from quickpoll.fast_path.requests import Asked
from quickpoll.foundation.http.answers import Reply, json_reply
from quickpoll.foundation.http.origins import OriginFields
from tests.asgi import Request, ask

asked = Request("GET", "/api/poll/thing/65f1c0ffee0000000000a001")


async def framework(scope: Any, receive: Any, send: Any) -> None:
    """The application behind the lane."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"tea"})


def lane(answer: Any, seconds: float = 1.0) -> FastPath:
    async def enter(authorization: str | None, address: str, *, writes: bool = False) -> Caller:
        return Caller("65f1c0ffee0000000000a002")

    made = FastPath(framework, enter, OriginFields(("*",)), seconds)
    made.add(Route("thing", ("thing_id",), ("GET",), answer))
    return made


async def test_an_answer_has_its_route_and_its_fields() -> None:
    async def answer(caller: Caller, request: Asked) -> Reply:
        return json_reply([caller.user_id, request.ids, request.client], headers={"X-A": "b"})

    scope = asked.scope()
    answered = await ask(lane(answer), asked, scope)

    assert scope["quickpoll.route"] == "/api/poll/thing/{thing_id}"
    assert answered.body == (
        b'["65f1c0ffee0000000000a002",["65f1c0ffee0000000000a001"],"192.0.2.1"]'
    )
    assert answered.fields == [
        (b"x-a", b"b"),
        (b"content-type", b"application/json"),
        (b"content-length", b"69"),
        (b"vary", b"Origin"),
    ]


async def test_an_answer_has_a_time_limit() -> None:
    async def answer(caller: Caller, request: Asked) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    answered = await ask(lane(answer, seconds=0.01), asked)

    assert (answered.status, b'"unavailable"' in answered.body) == (503, True)
    assert (b"retry-after", b"1") in answered.fields


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [(OptionNotFound(), 404, b'"option_not_found"'), (KeyError("x"), 500, b'"internal_error"')],
)
async def test_whatever_is_raised_is_a_problem(raised: Exception, status: int, code: bytes) -> None:
    async def answer(caller: Caller, request: Asked) -> Reply:
        raise raised

    answered = await ask(lane(answer), asked)

    assert (answered.status, code in answered.body) == (status, True)
    assert (b"content-type", b"application/problem+json") in answered.fields


async def test_a_cancelled_request_is_not_answered() -> None:
    waiting = asyncio.Event()

    async def answer(caller: Caller, request: Asked) -> Reply:
        waiting.set()
        await asyncio.Event().wait()
        raise AssertionError

    request = asyncio.create_task(ask(lane(answer), asked))
    await waiting.wait()
    request.cancel()

    with pytest.raises(asyncio.CancelledError):
        await request


@pytest.mark.parametrize("path", ["/", "/api/poll/other", "/api/poll/thing/", "/api/poll"])
async def test_what_it_does_not_know_goes_on(path: str) -> None:
    async def answer(caller: Caller, request: Asked) -> Reply:
        raise AssertionError

    assert (await ask(lane(answer), Request("GET", path))).body == b"tea"
