"""The places in Hypercorn where ours step in, above all the object that serves one connection.

Everything that depends on Hypercorn's insides is in this file and in ``upgraded``. Hypercorn calls
``await TCPServer(app, loop, config, context, state, reader, writer)`` for each connection it
accepts, finding the name ``TCPServer`` in ``hypercorn.asyncio.run`` at that moment. Ours puts its
own protocol on the transport. For what it does not serve (WebSocket, HTTP/2) it puts the stream's
protocol back, feeds it the bytes read so far, and lets the original serve the connection.

The other places are names in Hypercorn's modules too (``_replaced``): what it serves itself is
mended, and it closes its ports as ``listening`` says.
"""

import asyncio
import inspect
import logging
import multiprocessing
import socket
from collections.abc import Generator
from importlib import import_module
from importlib.metadata import version
from typing import Any, cast

import wsproto.connection
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.typing import AppWrapper, LifespanState
from hypercorn.utils import parse_socket_addr

from quickpoll.foundation.http1.connection import Http1Connection
from quickpoll.foundation.http1.listening import Listener
from quickpoll.foundation.http1.server import Server
from quickpoll.foundation.http1.upgraded import (
    OutspokenConnection,
    UpgradableProtocol,
    UpgradedStream,
)

_log = logging.getLogger(__name__)

# As Any: the modules do not offer the names for replacement, that is what _mismatch() is about.
hypercorn_run: Any = import_module("hypercorn.asyncio.run")
_protocols: Any = import_module("hypercorn.protocol")
_h11: Any = import_module("hypercorn.protocol.h11")
_ws_stream: Any = import_module("hypercorn.protocol.ws_stream")

_HYPERCORN = "0.18."
_PARAMETERS = ["self", "app", "loop", "config", "context", "state", "reader", "writer"]
_SERVERS: dict[WorkerContext, Server] = {}
_WATCHERS: set[asyncio.Task[None]] = set()


class FastTCPServer:
    """Serves one connection; has the shape of Hypercorn's ``TCPServer``."""

    def __init__(
        self,
        app: AppWrapper,
        loop: asyncio.AbstractEventLoop,
        config: Config,
        context: WorkerContext,
        state: LifespanState,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._shared = (app, loop, config, context, state)
        self._reader = reader
        self._writer = writer
        self._handed_back = False

    def __await__(self) -> Generator[Any, None, None]:
        return self._run().__await__()

    async def _run(self) -> None:
        connection = self._take_over()
        if connection is not None:
            await _until_closed(connection)
            if not self._handed_back:
                return
            del connection  # a WebSocket may stay for hours, and has no use for it
        try:
            await TCPServer(*self._shared, self._reader, self._writer)
        except asyncio.CancelledError:
            self._writer.transport.abort()  # as below: no traceback for each connection

    def _take_over(self) -> Http1Connection | None:
        """Put our protocol on the transport, unless the connection is not for us."""
        transport = cast(asyncio.Transport, self._writer.transport)
        tls = transport.get_extra_info("ssl_object")
        http2 = tls is not None and tls.selected_alpn_protocol() == "h2"
        if http2 or self._shared[2].h11_pass_raw_headers or transport.is_closing():
            return None
        peer = transport.get_extra_info("socket")
        try:
            address = (
                parse_socket_addr(peer.family, peer.getpeername()),
                parse_socket_addr(peer.family, peer.getsockname()),
            )
        except OSError:  # gone already: the original knows how to end that
            return None
        stream = transport.get_protocol()

        def hand_back(data: bytes) -> None:
            transport.set_protocol(stream)
            self._reader.feed_data(data)
            self._handed_back = True
            connection.closed.set_result(None)

        connection = Http1Connection(_server(*self._shared), transport, address, hand_back)
        transport.set_protocol(connection)
        self._take_what_came_early(connection)
        return connection

    def _take_what_came_early(self, connection: Http1Connection) -> None:
        """What the stream read before we came, its end too: uvloop reads at once."""
        buffer: bytearray = self._reader._buffer  # type: ignore[attr-defined]
        if buffer:
            data = bytes(buffer)
            buffer.clear()
            connection.data_received(data)
        if self._reader.at_eof() and not connection.eof_received():
            connection.transport.close()


class _Asyncio:
    """``asyncio`` as ``hypercorn.asyncio.run`` sees it: it closes its ports as ``listening``
    says."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def start_server(
        self, callback: Any, *, sock: socket.socket, **options: Any
    ) -> asyncio.Server | Listener:
        server = await asyncio.start_server(callback, sock=sock, **options)
        return Listener(server, sock) if _owns_sockets(callback) else server


def _owns_sockets(callback: Any) -> bool:
    """Whether Hypercorn's ports are closed when this process closes them.

    Where a service manager has handed them over (``fd://``) or another worker has them, too, they
    stay open, with whoever waits there, and must go on to take in others.
    """
    config = inspect.getclosurevars(callback).nonlocals.get("config")
    handed_over = not isinstance(config, Config) or any(
        bind.startswith("fd://") for bind in config.bind
    )
    return not handed_over and multiprocessing.parent_process() is None


_REPLACED: tuple[tuple[Any, str, Any, Any], ...] = (
    (hypercorn_run, "TCPServer", TCPServer, FastTCPServer),
    (hypercorn_run, "asyncio", asyncio, _Asyncio()),
    (_protocols, "H11Protocol", _h11.H11Protocol, UpgradableProtocol),
    (_h11, "WSStream", _ws_stream.WSStream, UpgradedStream),
    (_ws_stream, "Connection", wsproto.connection.Connection, OutspokenConnection),
)
"""Module, name, what Hypercorn has there, and what we put there."""


def _server(
    app: AppWrapper,
    loop: asyncio.AbstractEventLoop,
    config: Config,
    context: WorkerContext,
    state: LifespanState,
) -> Server:
    server = _SERVERS.get(context)
    if server is None:
        server = _SERVERS[context] = Server(app, loop, config, context, state)
        watcher = loop.create_task(_watch(server))
        _WATCHERS.add(watcher)
        watcher.add_done_callback(_WATCHERS.discard)
    return server


async def _watch(server: Server) -> None:
    try:
        await server.end_connections()
    finally:
        del _SERVERS[server.context]


async def _until_closed(connection: Http1Connection) -> None:
    """Wait for the end of the connection and of what the application does for it."""
    try:
        await connection.closed
        while connection.tasks:
            await asyncio.wait([task for task in connection.tasks if task is not None])
    except asyncio.CancelledError:
        # Hypercorn's graceful_timeout is over. It knows; asyncio's streams, told again, would
        # print a traceback for each connection.
        connection.transport.abort()
        tasks = [task for task in connection.tasks if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def install() -> bool:
    """Make Hypercorn serve HTTP/1.1 by this package, in this process; idempotent.

    To be called before Hypercorn accepts connections, from the module that holds the application.

    Returns:
        False where this Hypercorn is not the one we know: it then serves as it is, and the log
        says so.
    """
    if hypercorn_run.TCPServer is FastTCPServer:
        return True
    reason = _mismatch()
    if reason is not None:
        _log.warning("HTTP/1.1 is served by Hypercorn's own, slower parser: %s", reason)
        return False
    for module, name, _, ours in _REPLACED:
        setattr(module, name, ours)
    return True


def uninstall() -> None:
    """Let Hypercorn serve by itself again; connections already open stay as they are."""
    for module, name, original, ours in _REPLACED:
        if getattr(module, name) is ours:
            setattr(module, name, original)


def _mismatch() -> str | None:
    """Why this Hypercorn cannot be served by us, or None."""
    found = version("hypercorn")
    if not found.startswith(_HYPERCORN):
        return f"Hypercorn {found} is not {_HYPERCORN}x"
    if list(inspect.signature(TCPServer.__init__).parameters) != _PARAMETERS:
        return "TCPServer takes other arguments"
    for module, name, original, _ in _REPLACED:
        if getattr(module, name, None) is not original:
            return f"somebody else has replaced {name}"
    if "_buffer" not in asyncio.StreamReader.__init__.__code__.co_names:
        return "asyncio's streams have changed"
    return None
