"""The way from an Engine.IO client down to its socket, past everything in between.

All that reaches into python-engineio's and Hypercorn's insides is in this file: Hypercorn gives a
WebSocket application a bound method as its ``send``; behind it are the stream, the connection,
the stream writer and its transport. Where one of them is not what we know, there is no direct
way, and packets go the way the libraries send them.
"""

import asyncio
import logging
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from engineio.async_drivers.asgi import WebSocket
from engineio.async_socket import AsyncSocket
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream

from quickpoll.socketio.packets import is_plausible

_log = logging.getLogger(__name__)
UPGRADE_SECONDS = 20.0
"""For each of the two packets by which a session moves to a WebSocket; as long as for a pong."""

_KNOWN = {"hypercorn": "0.18.", "python-engineio": "4.15.", "python-socketio": "5.18."}


class DirectOutbox(Protocol):
    """What is told of a client's outbox that this path goes past."""

    def detach(self) -> None:
        """The path is no more."""

    def sent(self) -> None:
        """A packet has left."""


@dataclass(slots=True)
class DirectPath:
    """A WebSocket client's stream and the transport beneath it."""

    stream: WSStream
    transport: asyncio.WriteTransport

    @property
    def open(self) -> bool:
        """A text frame may be written now."""
        stream = self.stream
        return (
            stream.state is ASGIWebsocketState.CONNECTED
            and not stream.closed
            and not self.transport.is_closing()
        )


def known_versions() -> bool:
    """Whether the libraries are those that this file knows; if not, the log says so."""
    for package, prefix in _KNOWN.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = "missing"
        if not found.startswith(prefix):
            _log.warning("Live updates take the slow way: %s is %s", package, found)
            return False
    return True


def direct_path(send: Any) -> DirectPath | None:
    """The path behind an ASGI ``send``; None where it is not one of Hypercorn's HTTP/1.1."""
    stream = getattr(send, "__self__", None)
    if not isinstance(stream, WSStream):
        return None
    connection = getattr(stream.send, "__self__", None)
    if not isinstance(connection, H11Protocol):  # HTTP/2 has framing of its own
        return None
    server = getattr(connection.send, "__self__", None)
    if not isinstance(server, TCPServer):
        return None
    return DirectPath(stream, server.writer.transport)


class DirectWebSocket(WebSocket):  # type: ignore[misc]
    """Engine.IO's WebSocket, which tells the client's outbox where the socket is.

    It refuses compression, too: that costs 120 kB a client, and each message would have to be
    compressed for each client anew. And it ends where a client sends what none of ours would.
    """

    outbox: "DirectOutbox | None" = None

    async def __call__(self, environ: dict[str, Any]) -> Any:
        client = self.handler.__self__
        path = direct_path(environ["asgi.send"])
        if path is not None:
            path.stream.handshake.extensions = None
            self.outbox = client.queue
            client.queue.attach(client, path)
        try:
            return await super().__call__(environ)
        finally:
            if self.outbox is not None:
                self.outbox.detach()
            # Engine.IO forgets this where the socket ends before it was tried: each poll of the
            # client would then be answered at once with nothing, for good.
            client.upgrading = False
            await self.close()

    async def wait(self) -> str | bytes:
        """The next packet of the client. Raises ``OSError`` for none, none in time, a bad one."""
        upgrading = self.handler.__self__.upgrading
        async with asyncio.timeout(UPGRADE_SECONDS if upgrading else None):
            packet: str | bytes = await super().wait()
        if not is_plausible(packet, upgrading=upgrading):
            raise OSError("this is not Socket.IO")
        return packet

    async def send(self, message: str | bytes) -> None:
        """Send a packet that Engine.IO took from the outbox (or one of its own)."""
        try:
            await super().send(message)
        finally:
            if self.outbox is not None:
                self.outbox.sent()


def keep_ping_tasks(eio: Any) -> None:
    """Let each Engine.IO client know its sleeping ping, as ``ping_task``.

    The library lets it sleep on after the client has gone, and with it all that was the client's.
    """
    start = eio.start_background_task

    def start_background_task(target: Any, *args: Any, **kwargs: Any) -> Any:
        task = start(target, *args, **kwargs)
        if getattr(target, "__func__", None) is AsyncSocket._send_ping:
            target.__self__.ping_task = task
        return task

    eio.start_background_task = start_background_task


def use_direct_websocket(eio: Any) -> None:
    """Let this Engine.IO server make its WebSockets of our class."""
    # The table is shared by all servers of the process; only this one gets a changed copy.
    eio._async = {**eio._async, "websocket": DirectWebSocket}
