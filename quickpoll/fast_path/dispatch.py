"""An ASGI application in front of the framework's: it answers what it knows, and hands on the
rest.

One code path with the blueprints: the same admission, the same handlers, the same renderer of
errors; only what Quart does around them is missing. A test holds every answer byte for byte
against Quart's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from quickpoll.auth.caller import Caller
from quickpoll.auth.guest_routes import check_route
from quickpoll.fast_path.requests import Application, Asked, Receive, Scope, Send, ordinary
from quickpoll.foundation.concurrency.shared_timeout import TimeLimit
from quickpoll.foundation.http.answers import Reply
from quickpoll.foundation.http.origins import OriginFields
from quickpoll.foundation.http.problems import as_error, problem_reply

BASE = "/api/poll/"


class Enter(Protocol):
    """Lets a caller in by their ``Authorization`` header and address, or raises; ``writes`` says
    whether something may be stored for them."""

    def __call__(
        self, authorization: str | None, address: str, /, *, writes: bool = False
    ) -> Awaitable[Caller]:
        """The caller."""


Answer = Callable[[Caller, Asked], Awaitable[Reply]]


@dataclass(frozen=True)
class Route:
    """A route of the fast path: ``name/{id}/{id}…`` below :data:`base`.

    ``takes`` judges requests whose query matters; what it refuses goes to the framework.
    """

    name: str
    parameters: tuple[str, ...]
    methods: tuple[str, ...]
    answer: Answer
    takes: Callable[[Asked], bool] = lambda asked: True

    @cached_property
    def template(self) -> str:
        """The path as OpenAPI writes it."""
        return BASE + "/".join((self.name, *(f"{{{one}}}" for one in self.parameters)))


class FastPath:
    """Answers the requests of its routes, each within ``seconds``; the rest is for ``app``."""

    def __init__(
        self, app: Application, enter: Enter, origins: OriginFields, seconds: float
    ) -> None:
        self.app = app
        self._enter = enter
        self._origins = origins
        self._limit = TimeLimit(seconds)
        self._routes: dict[tuple[str, str, int], Route] = {}

    def add(self, *routes: Route) -> None:
        """Answer these routes from now on."""
        for route in routes:
            for method in route.methods:
                self._routes[method, route.name, len(route.parameters)] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or hand it on."""
        taken = self.take(scope)
        if taken is None:
            await self.app(scope, receive, send)
        else:
            await self._answer(*taken, send)

    def take(self, scope: Scope) -> tuple[Route, Asked] | None:
        """The route that answers a request; ``None`` for what is handed on."""
        if scope["type"] != "http" or not scope["path"].startswith(BASE):
            return None
        name, *ids = scope["path"][len(BASE) :].split("/")
        route = self._routes.get((scope["method"], name, len(ids)))
        if route is None or "" in ids:
            return None
        asked = ordinary(scope, ids)
        return None if asked is None or not route.takes(asked) else (route, asked)

    async def _answer(self, route: Route, asked: Asked, send: Send) -> None:
        asked.scope["quickpoll.route"] = route.template
        try:
            reply = await self._reply(route, asked)
        except Exception as raised:
            reply = problem_reply(as_error(raised))
        fields = reply.fields()
        fields += self._origins.of(asked.origin)
        await send({"type": "http.response.start", "status": reply.status, "headers": fields})
        await send({"type": "http.response.body", "body": reply.body})

    async def _reply(self, route: Route, asked: Asked) -> Reply:
        task = self._limit.begin()
        try:
            method, authorization = asked.scope["method"], asked.field(b"authorization")
            writes = method not in ("GET", "HEAD")
            caller = await self._enter(authorization, asked.client, writes=writes)
            check_route(caller, method, asked.scope["path"])
            return await route.answer(caller, asked)
        except asyncio.CancelledError:
            self._limit.judge(task)
            raise
        finally:
            self._limit.end(task)
