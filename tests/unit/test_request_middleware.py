"""The outermost layer: names of requests, their measure, who sent them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from quickpoll.foundation.http.request_middleware import (
    Message,
    Receive,
    RequestMiddleware,
    Scope,
    Send,
    current_request,
)


def scope_of(path: str = "/x", method: str = "GET", **headers: str) -> Scope:
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": path, "method": method, "headers": told, "client": ("::1", 1)}


async def nothing() -> Message:
    return {"type": "http.disconnect"}


async def ask(app: Any, scope: Scope) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, nothing, send)
    return sent


def answering(status: int, route: str | None = None) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if route:
            scope["quickpoll.route"] = route
        await send({"type": "http.response.start", "status": status, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"yes"})

    return app


def count_of(route: str, method: str, status: int) -> float:
    labels = {"route": route, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("quickpoll_http_request_duration_seconds_count", labels) or 0


def name_in(messages: list[Message]) -> bytes:
    return dict(messages[0]["headers"])[b"x-request-id"]  # type: ignore[no-any-return]


async def test_a_harmless_name_is_kept_and_answered() -> None:
    scope = scope_of(x_request_id="Trace-1.a_B")

    messages = await ask(RequestMiddleware(answering(200)), scope)

    assert messages[0]["headers"][:2] == [(b"a", b"b"), (b"x-request-id", b"Trace-1.a_B")]
    assert scope["quickpoll.request_id"] == "Trace-1.a_B"


@pytest.mark.parametrize("bad", ["", "a b", 'a"b', "x\ty", "é", "a" * 129, "{}"])
async def test_any_other_name_is_replaced(bad: str) -> None:
    entrance = RequestMiddleware(answering(200))

    first = name_in(await ask(entrance, scope_of(x_request_id=bad)))
    second = name_in(await ask(entrance, scope_of()))

    assert first != bad.encode()
    assert first != second


@pytest.mark.parametrize(
    ("said", "protection"),
    [
        ([], {b"x-content-type-options": b"nosniff", b"cache-control": b"no-store"}),
        (
            [(b"etag", b'"1"')],
            {b"x-content-type-options": b"nosniff", b"cache-control": b"private, no-cache"},
        ),
        (
            [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"max-age=60")],
            {b"x-content-type-options": b"nosniff", b"cache-control": b"max-age=60"},
        ),
    ],
)
async def test_answers_say_whose_they_are(
    said: list[tuple[bytes, bytes]], protection: dict[bytes, bytes]
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": said})

    kept = [*said]
    headers = (await ask(RequestMiddleware(app), scope_of(x_request_id="a")))[0]["headers"]

    others = [pair for pair in headers if pair[0] not in (b"x-request-id", b"etag")]
    assert sorted(others) == sorted(protection.items())
    assert said == kept


async def test_requests_are_counted_by_route_method_and_status() -> None:
    before = count_of("/t/{id}", "POST", 201)

    await ask(RequestMiddleware(answering(201, "/t/{id}")), scope_of("/t/1", "POST"))

    assert count_of("/t/{id}", "POST", 201) == before + 1


async def test_strangers_make_no_labels() -> None:
    entrance = RequestMiddleware(answering(404), prefixes=("/ws/updates",))
    before = count_of("other", "other", 404), count_of("/ws/updates", "GET", 404)

    for n in range(3):
        await ask(entrance, scope_of(f"/made/up/{n}", f"METHOD{n}"))
    await ask(entrance, scope_of("/ws/updates/"))

    after = count_of("other", "other", 404), count_of("/ws/updates", "GET", 404)
    assert after == (before[0] + 3, before[1] + 1)


async def test_failures_and_lost_clients_are_counted_too() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("broken")

    async def unheard(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    before = count_of("other", "GET", 500), count_of("other", "GET", 499)

    with pytest.raises(LookupError, match="broken"):
        await ask(RequestMiddleware(broken), scope_of())
    with pytest.raises(asyncio.CancelledError):
        await ask(RequestMiddleware(unheard), scope_of())

    assert (count_of("other", "GET", 500), count_of("other", "GET", 499)) == (
        before[0] + 1,
        before[1] + 1,
    )


async def test_a_handler_finds_the_request_and_nobody_after_it() -> None:
    seen: list[Scope | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(current_request.get())

    scope = scope_of()
    await ask(RequestMiddleware(app), scope)

    assert seen == [scope]
    assert current_request.get() is None


async def test_a_websocket_is_named_in_its_handshake_alone() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "a"})

    messages = await ask(
        RequestMiddleware(app), {**scope_of(x_request_id="ws-1"), "type": "websocket"}
    )

    assert messages[0]["headers"] == [(b"x-request-id", b"ws-1")]
    assert messages[1] == {"type": "websocket.send", "text": "a"}


async def test_the_socket_behind_a_websocket_is_still_found() -> None:
    found: list[object] = []

    class Stream:
        async def send(self, message: Message) -> None:
            """Take a message."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(getattr(send, "__self__", None))

    stream = Stream()
    await RequestMiddleware(app)({**scope_of(), "type": "websocket"}, nothing, stream.send)

    assert found == [stream]


async def test_addresses_behind_proxies_reach_the_application() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["client"])

    await ask(RequestMiddleware(app, trusted_proxies=1), scope_of(x_forwarded_for="192.0.2.7"))
    await ask(RequestMiddleware(app), scope_of(x_forwarded_for="192.0.2.7"))

    assert seen == [("192.0.2.7", 0), ("::1", 1)]
