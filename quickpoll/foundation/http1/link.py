"""One client's transport, before anything is said of requests."""

from __future__ import annotations

import asyncio

from quickpoll.foundation.http1.output import Output
from quickpoll.foundation.http1.server import Address, Server


class Link(asyncio.Protocol):
    """What a connection knows of its transport: who is there, and whether bytes flow.

    Attributes:
        closed: done once the connection is no more, or somebody else's.
        tasks: what the application does for this client.
        stopping: the server stops.
    """

    __slots__ = (
        "_reading",
        "_since",
        "address",
        "client",
        "closed",
        "output",
        "scheme",
        "server",
        "stopping",
        "tasks",
        "transport",
    )

    def __init__(
        self, server: Server, transport: asyncio.Transport, address: tuple[Address, Address]
    ) -> None:
        self.server = server
        self.transport = transport
        self.client, self.address = address
        self.scheme = "https" if transport.get_extra_info("ssl_object") else "http"
        self.closed: asyncio.Future[None] = server.loop.create_future()
        self.tasks: set[asyncio.Task[None] | None] = set()
        self.output = Output(server, transport)
        self.stopping = server.context.terminated.is_set()
        self._reading = True
        self._since = server.loop.time()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self.output.pause()

    def resume_writing(self) -> None:
        """What was written is nearly sent."""
        self.output.resume()

    @property
    def age(self) -> float:
        """Seconds since the client connected."""
        return self.server.loop.time() - self._since

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def _resume(self) -> None:
        if not self._reading:
            self._reading = True
            self.transport.resume_reading()
