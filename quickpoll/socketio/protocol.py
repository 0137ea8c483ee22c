"""Socket.IO as this service speaks it: what no client of ours sends is refused at the door.

The libraries answer a packet that they cannot read with a traceback in the log, and let a client
trigger the handlers of ``connect`` and ``disconnect``. Here such a packet ends the connection.

What holds for every request of Engine.IO:

* It has an end by time. A body comes within :data:`body_seconds`; a poll is answered within the
  library's own time for it; nothing waits for a client to fetch what is queued.
* A session has one of a kind at a time, as clients make them: a poll and a post, or a WebSocket. So
  their number is bounded by that of the sessions; and what a closed session left behind counts
  until it is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import engineio
import socketio
import structlog
from engineio.packet import NOOP, Packet
from socketio.packet import CONNECT_ERROR

from quickpoll.errors import NotFound, Overloaded
from quickpoll.socketio.packets import is_readable, query_of, refusal, session_of

log = structlog.get_logger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_SECONDS = 10.0
"""For a body to come in, 64 KiB at most: a phone with a bad line needs a few."""

_RESERVED = frozenset({"connect", "disconnect", "connect_error", "*"})


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]
    """python-engineio's server, which waits for no client when it ends a session."""

    async def disconnect(self, sid: str | None = None) -> None:
        """End one session, or all.

        The library's own waits until the client has fetched what is queued for it, in the middle
        of the client's own request; and it need not come.
        """
        for eio_sid in list(self.sockets) if sid is None else [sid]:
            connection = self.sockets.pop(eio_sid, None)
            if connection is not None:
                await connection.close(wait=False, reason=self.reason.SERVER_DISCONNECT)


class SocketServer(socketio.AsyncServer):  # type: ignore[misc]
    """python-socketio's server, which hangs up on whoever does not speak the protocol.

    ``most_connections`` is how many there may be, those included that have not joined.
    """

    def __init__(self, *, most_connections: int, **options: Any) -> None:
        super().__init__(**options)
        self._most_connections = most_connections
        self._in_hand: set[tuple[object, str]] = set()
        self._closing = False

    @property
    def in_hand(self) -> int:
        """Requests of Engine.IO that are being served, WebSockets included."""
        return len(self._in_hand)

    def close_door(self) -> None:
        """Begin no further session."""
        self._closing = True

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    async def handle_request(self, scope: Message, receive: Receive, send: Send) -> Any:
        """Serve one request of Engine.IO (ASGI)."""
        query = query_of(scope)
        reason = refusal(scope, query)
        if reason is not None:
            return await refuse(scope, send, 400, reason)
        sid = session_of(query)
        if sid is None and self._is_full():
            return await refuse(scope, send, 503, Overloaded.default_detail)
        # A session that begins has no name yet by which a second request could find it.
        request = (sid or object(), scope.get("method", "WEBSOCKET"))
        if request in self._in_hand:
            return await refuse(scope, send, 400, "One request of a kind at a time.")
        self._in_hand.add(request)
        try:
            return await self._serve(sid, scope, receive, send)
        finally:
            self._in_hand.discard(request)

    def _is_full(self) -> bool:
        most = self._most_connections
        return self._closing or len(self.eio.sockets) >= most or self.in_hand >= 2 * most

    async def _serve(self, sid: str | None, scope: Message, receive: Receive, send: Send) -> Any:
        connection = self.eio.sockets.get(sid)
        if connection is not None and connection.closed:
            del self.eio.sockets[sid]  # the library would stumble over it
        body = b""
        if scope["type"] == "http" and scope["method"] == "POST":
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _whole_body(receive, self.eio.max_http_buffer_size)
            except TimeoutError:
                return await refuse(scope, send, 408, "The body did not come in time.")
            except OverflowError:
                return await refuse(scope, send, 413, "Too much in one request.")
            if not is_readable(body):
                return await refuse(scope, send, 400, "This is not Socket.IO.")
        if scope["type"] == "http":
            scope, receive = _with_body(scope, body), _once(body, receive)
        return await super().handle_request(scope, receive, send)

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> bool | None:
        if len(self.eio.sockets) > self._most_connections:
            return False  # another one came in between
        await super()._handle_eio_connect(eio_sid, environ)
        return None

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        if eio_sid not in self.environ:
            return  # it left before its turn came
        if namespace not in (None, "/"):
            await self._refuse_namespace(eio_sid, namespace)
            return
        await super()._handle_connect(eio_sid, namespace, data)
        if eio_sid not in self.environ:  # it left while its token was looked at
            await self._handle_disconnect(eio_sid, namespace, self.reason.TRANSPORT_CLOSE)

    async def _refuse_namespace(self, eio_sid: str, namespace: str) -> None:
        detail = "There is one namespace here, /."
        told = {"message": detail, "data": {"code": NotFound.code, "detail": detail}}
        packet = self.packet_class(CONNECT_ERROR, data=told, namespace=namespace)
        await self._send_packet(eio_sid, packet)

    async def _handle_event(
        self, eio_sid: str, namespace: str | None, packet_id: int | None, data: Any
    ) -> None:
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise ValueError("no event")
        if data[0] in _RESERVED:
            raise ValueError("an event that only the server makes")
        await super()._handle_event(eio_sid, namespace, packet_id, data)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            log.debug("socket_hung_up", error=repr(error))
            await self.hang_up(eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        connection = self.eio.sockets.get(eio_sid)
        if connection is None:
            return
        ping = getattr(connection, "ping_task", None)
        if ping is not None:
            ping.cancel()  # or it would sleep on, and hold all that was the client's
        if not connection.upgraded:  # answers the poll that waits, for which the client may wait
            connection.queue.put_nowait(Packet(NOOP))

    async def hang_up(self, eio_sid: str) -> None:
        """End a connection as a network failure would.

        A goodbye in words (Engine.IO's packet CLOSE) is final for some clients, Python's among
        them; after a lost transport every client connects again.
        """
        connection = self.eio.sockets.get(eio_sid)
        if connection is None:
            return
        reason = self.reason.SERVER_DISCONNECT
        await connection.close(wait=False, abort=True, reason=reason)
        if connection.upgraded:
            connection.queue.put_nowait(None)  # ends the WebSocket
        elif connection.upgrading:
            _cut(connection)


def _cut(connection: Any) -> None:
    """End a WebSocket to which a session was about to move: nobody reads its queue yet."""
    transport = getattr(connection.queue, "transport", None)
    if transport is not None:
        transport.close()


async def _whole_body(receive: Receive, most: int) -> bytes:
    """The body of a request. Raises ``OverflowError`` where it is too long, and leaves the rest
    unread."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise OverflowError
        if not message.get("more_body"):
            return b"".join(parts)


def _with_body(scope: Message, body: bytes) -> Message:
    """A request whose length is said, as the library needs it, also where it came in chunks."""
    headers = [pair for pair in scope["headers"] if pair[0] != b"content-length"]
    return {**scope, "headers": [*headers, (b"content-length", b"%d" % len(body))]}


def _once(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that has the body again, and then what comes."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return first.pop() if first else await receive()

    return receive_again


async def refuse(scope: Message, answer: Send, status: int, text: str) -> None:
    """Answer with a sentence, a handshake of a WebSocket too."""
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = text.encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await answer({"type": f"{kind}.start", "status": status, "headers": headers})
    await answer({"type": f"{kind}.body", "body": body})
