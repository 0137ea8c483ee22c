"""The request middleware: the outermost layer, which every request passes.

It gives a request its name (``X-Request-ID``), puts right who sent it where proxies stand in
front, measures it, and answers with its name. Whoever handles the request leaves in the scope

``quickpoll.route``
    the route's template, such as ``/api/poll/get-poll-by-id/{poll_id}``; never a raw path, so
    that strangers cannot make metrics without end

and finds ``quickpoll.request_id`` there. Every request of the service pays for this: about two
microseconds.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any

from prometheus_client import Histogram

from quickpoll.foundation.concurrency.overload import Overload
from quickpoll.foundation.http import elsewhere
from quickpoll.foundation.http.proxies import trust_proxies
from quickpoll.foundation.observability import metrics, tracing
from quickpoll.foundation.observability.people import without_people

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

current_request: ContextVar[Scope | None] = ContextVar("current_request", default=None)
"""The scope of the request in hand; log lines take its name from there."""


def refuse_unread() -> None:
    """The request in hand is going to be refused, and nothing has been done for it: another
    instance may be asked (see :mod:`.elsewhere`)."""
    scope = current_request.get()
    if scope is not None:
        scope[elsewhere.REFUSED] = True


UNKNOWN_ROUTE = "other"
LIMITED_PREFIX = "/api/"
"""What is counted for :mod:`.overload`: not Socket.IO's long polls, not health."""

CLIENT_LEFT = 499
"""The status of a request whose client went away before the answer (as in nginx's logs)."""

_HARMLESS = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_HEADER = b"x-request-id"

_AS_TYPED = (b"x-content-type-options", b"nosniff")
_ASK_AGAIN = (b"cache-control", b"private, no-cache")
_NOT_KEPT = (b"cache-control", b"no-store")


class RequestMiddleware:
    """Wraps an ASGI application.

    ``trusted_proxies`` is how many proxies in front may be believed; ``prefixes`` are the paths of
    applications that name no route, each taken for one (``/ws/updates``). ``overload`` is told of
    every request of the API.
    """

    def __init__(
        self,
        app: App,
        *,
        trusted_proxies: int = 0,
        prefixes: tuple[str, ...] = (),
        overload: Overload | None = None,
    ) -> None:
        self._app = app
        self._overload = overload or Overload()
        self._trusted_proxies = trusted_proxies
        self._prefixes = prefixes
        # Names are unique without asking the kernel for random bytes each time.
        self._run = token_hex(8)
        self._numbers = count(1)
        self._measured: dict[tuple[str, str, int], Histogram] = {}
        self.in_hand = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, WebSocket or lifespan."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        name = self._name(scope)
        if self._trusted_proxies:
            trust_proxies(scope, self._trusted_proxies)
        token = current_request.set(scope)
        try:
            if kind == "http":
                answer = self._traced if tracing.is_on() else self._answer
                await answer(scope, receive, _Answer(scope, send, name))
            else:
                await self._app(scope, receive, _Handshake(send, name))
        finally:
            current_request.reset(token)
            scope["quickpoll.answered"] = True

    def _name(self, scope: Scope) -> bytes:
        """The caller's own name for the request where it is a harmless one, else a new one."""
        for header, value in scope["headers"]:
            if header == _HEADER and _HARMLESS.fullmatch(value):
                name: bytes = value
                break
        else:
            name = b"%s-%x" % (self._run.encode(), next(self._numbers))
        scope["quickpoll.request_id"] = name.decode()
        return name

    async def _traced(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        with tracing.of_request(scope["headers"], without_people(scope["path"])) as span:
            try:
                await self._answer(scope, receive, answer)
            finally:
                route = scope.get("quickpoll.route") or self._route(scope)
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.request.method", scope["method"])
                span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", answer.status)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        began = perf_counter()
        self.in_hand += 1
        limited = scope["path"].startswith(LIMITED_PREFIX)
        if limited:
            self._overload.begin(answer)
        failed = 0
        try:
            await self._app(scope, receive, answer)
        except asyncio.CancelledError:
            raise
        except BaseException:
            failed = 500
            raise
        finally:
            self.in_hand -= 1
            if limited:
                self._overload.end(answer)
            status = answer.status or failed or CLIENT_LEFT
            self._measure(scope, status, perf_counter() - began)

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        key = (scope.get("quickpoll.route") or self._route(scope), scope["method"], status)
        measured = self._measured.get(key)
        if measured is None:
            method = key[1] if key[1] in _METHODS else "other"
            measured = metrics.requests.labels(key[0], method, str(status))
            if method != "other":
                self._measured[key] = measured
        measured.observe(seconds)
        if status >= 500:
            method = key[1] if key[1] in _METHODS else "other"
            metrics.failed_requests.labels(key[0], method, str(status)).inc()

    def _route(self, scope: Scope) -> str:
        path = scope["path"]
        return next((one for one in self._prefixes if path.startswith(one)), UNKNOWN_ROUTE)


class _Answer:
    """``send`` of one request: puts the request's name on the answer, and keeps the status."""

    __slots__ = ("_name", "_scope", "_send", "status")

    def __init__(self, scope: Scope, send: Send, name: bytes) -> None:
        self._scope = scope
        self._send = send
        self._name = name
        self.status = 0

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # Anew, because both may be shared by the answers of a route.
            headers = [*message.get("headers", ()), (_HEADER, self._name)]
            _protect(headers)
            message = {**message, "headers": headers}
            if self.status == 503:
                message = elsewhere.passed_on(self._scope, message)
        return self._send(message)


def _protect(headers: list[tuple[bytes, bytes]]) -> None:
    """Say that an answer is what its type says and whose it is, unless it says so itself.

    Most answers are meant for their caller alone. What has a tag may be kept, and must be asked
    for again before it is shown; the rest is kept nowhere.
    """
    names = {name for name, _ in headers}
    if b"x-content-type-options" not in names:
        headers.append(_AS_TYPED)
    if b"cache-control" not in names:
        headers.append(_ASK_AGAIN if b"etag" in names else _NOT_KEPT)


class _Handshake:
    """``send`` of one WebSocket. ``__self__`` is what it is in the server's own ``send``: the way
    to the socket, which ``realtime.direct`` takes."""

    __slots__ = ("__self__", "_name", "_send")

    def __init__(self, send: Send, name: bytes) -> None:
        self.__self__ = getattr(send, "__self__", None)
        self._send = send
        self._name = name

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] in ("websocket.accept", "websocket.http.response.start"):
            headers = [*message.get("headers", ()), (_HEADER, self._name)]
            message = {**message, "headers": headers}
        return self._send(message)
