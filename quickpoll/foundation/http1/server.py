"""What all connections of one server share: application, configuration, their end."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import time
from typing import Any, Protocol

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.logging import Logger
from hypercorn.typing import AppWrapper

from quickpoll.foundation.http1.head import RequestHead

Address = tuple[str, int] | None


class Connection(Protocol):
    """What the server knows of a connection."""

    @property
    def transport(self) -> asyncio.Transport:
        """The client's transport."""

    def stop(self) -> None:
        """Answer what is in hand, and end."""


class Server:
    """One listening server, for all its sockets; made with its first connection."""

    def __init__(
        self,
        app: AppWrapper,
        loop: asyncio.AbstractEventLoop,
        config: Config,
        context: WorkerContext,
        state: dict[str, Any],
    ) -> None:
        self.loop = loop
        self.config = config
        self.context = context
        self.state = state
        self.connections: set[Connection] = set()
        self.counts_requests = context.max_requests is not None
        self.logs_access = type(config.log) is not Logger or config.log.access_logger is not None
        self.always_writable = asyncio.Event()
        self.always_writable.set()
        self._app = app
        # An ASGI application needs none of what Hypercorn wraps around it.
        self._direct: Callable[..., Awaitable[None]] | None = None
        if type(app) is ASGIWrapper:
            self._direct = app.app
        self._run_in_thread = partial(loop.run_in_executor, None)
        self._common: tuple[int, bytes] = (-1, b"")

    def call(
        self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
    ) -> Awaitable[None]:
        """Run the application, ASGI or WSGI, as Hypercorn does."""
        if self._direct is not None:
            return self._direct(scope, receive, send)
        app: Callable[..., Awaitable[None]] = self._app
        return app(scope, receive, send, self._run_in_thread, self._call_from_thread)

    def _call_from_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(function(*args), self.loop).result()

    def serves(self, head: RequestHead) -> bool:
        """Whether the request's Host is one of ours, where the configuration names some."""
        names = self.config.server_names
        if not names:
            return True
        hosts = [value for name, value in head.headers if name == b"host"]
        return bool(hosts) and hosts[0].decode("latin-1") in names

    def common_headers(self) -> bytes:
        """The configured header lines of every response; they change with the clock alone."""
        now = int(time())
        if self._common[0] != now:
            fields = self.config.response_headers("h11")
            self._common = now, b"".join(b"%b: %b\r\n" % field for field in fields)
        return self._common[1]

    async def end_connections(self) -> None:
        """Once the server stops: idle connections after a moment, others after their answer.

        What is not answered after ``graceful_timeout`` is cut off: not every event loop's server
        lets Hypercorn's own timeout begin while there are connections.
        """
        await self.context.terminated.wait()
        for connection in tuple(self.connections):
            connection.stop()
        self.loop.call_later(self.config.graceful_timeout, self._abort_connections)

    def _abort_connections(self) -> None:
        for connection in tuple(self.connections):
            connection.transport.abort()
