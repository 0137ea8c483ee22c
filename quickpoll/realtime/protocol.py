"""Socket.IO as this service speaks it: what no client of ours sends is refused at the door.

The libraries answer a packet that they cannot read with a traceback in the log, and let a client
trigger the handlers of ``connect`` and ``disconnect``. Here such a packet ends the connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import socketio
import structlog
from engineio.packet import NOOP, Packet

log = structlog.get_logger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

separator = "\x1e"
most_packets = 128
"""In one request of a long-polling client; a page that follows polls one by one sends many."""

longest_control = 16
"""Characters of a packet that is no message: ``2probe`` is the longest that clients send."""

_controls = "1235"  # close, ping, pong, upgrade
_messages = "01234"  # connect, disconnect, event, acknowledgement, connect error: nothing binary
_reserved = frozenset({"connect", "disconnect", "connect_error", "*"})


def is_plausible(packet: object) -> bool:
    """Whether a Socket.IO client may have sent this Engine.IO packet to this service."""
    if not isinstance(packet, str) or not packet:
        return False
    if packet[0] == "4":
        return packet[1:2] != "" and packet[1] in _messages
    return packet[0] in _controls and len(packet) <= longest_control


class SocketServer(socketio.AsyncServer):  # type: ignore[misc]
    """python-socketio's server, which hangs up on whoever does not speak the protocol.

    ``most_connections`` is how many there may be, those included that have not joined.
    """

    def __init__(self, *, most_connections: int, **options: Any) -> None:
        super().__init__(**options)
        self._most_connections = most_connections

    async def handle_request(self, scope: Message, receive: Receive, send: Send) -> Any:
        """Serve one request of Engine.IO (ASGI)."""
        if scope["type"] == "http" and scope["method"] == "POST":
            body = await _whole_body(receive, self.eio.max_http_buffer_size)
            if body is None:
                return await _refuse(send, 413, b"Too much in one request.")
            if not _is_readable(body):
                return await _refuse(send, 400, b"This is not Socket.IO.")
            receive = _once(body, receive)
        return await super().handle_request(scope, receive, send)

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> bool | None:
        if len(self.eio.sockets) > self._most_connections:
            return False
        await super()._handle_eio_connect(eio_sid, environ)
        return None

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        if eio_sid not in self.environ:
            return  # it left before its turn came
        await super()._handle_connect(eio_sid, namespace, data)
        if eio_sid not in self.environ:  # it left while its token was looked at
            await self._handle_disconnect(eio_sid, namespace, self.reason.TRANSPORT_CLOSE)

    async def _handle_event(
        self, eio_sid: str, namespace: str | None, packet_id: int | None, data: Any
    ) -> None:
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise ValueError("no event")
        if data[0] in _reserved:
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
        if connection is not None:
            reason = self.reason.SERVER_DISCONNECT
            await connection.close(wait=False, abort=True, reason=reason)
            if connection.upgraded:
                connection.queue.put_nowait(None)  # ends the WebSocket


async def _whole_body(receive: Receive, most: int) -> bytes | None:
    """The body of a request; ``None`` where it is too long, which is then left unread."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _is_readable(body: bytes) -> bool:
    try:
        packets = body.decode().split(separator)
    except UnicodeDecodeError:
        return False
    return len(packets) <= most_packets and all(map(is_plausible, packets))


def _once(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that has the body again, and then what comes."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return first.pop() if first else await receive()

    return receive_again


async def _refuse(answer: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(text))]
    await answer({"type": "http.response.start", "status": status, "headers": headers})
    await answer({"type": "http.response.body", "body": text})
