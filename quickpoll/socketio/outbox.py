"""What waits to be sent to one client; most of the time, nothing does."""

import asyncio
from collections.abc import Callable
from typing import Any

from engineio import packet as engineio_packet

from quickpoll.socketio.direct import DirectPath
from quickpoll.socketio.frames import SharedPacket, text_frame

Dropped = Callable[["Outbox", str], None]

AT_ONCE = 16
"""Packets in one answer to a long-polling client: python-socketio's reads no more."""

LINGER_SECONDS = 5.0
"""How long a WebSocket that has ended waits for its client to take what was written."""


class Outbox(asyncio.Queue[Any]):
    """An Engine.IO client's queue that writes to the socket itself where nothing is in the way.

    A message goes straight to the transport if the client is on WebSocket, its upgrade is over,
    and no earlier packet is still in the queue or on its way from there; else it queues up, in
    order, as Engine.IO means it to. Everything that is sent to the client passes here.

    Arguments:
        max_bytes: backlog, in the queue and in the transport together, that a client may have.
        max_packets: packets in the queue.
        dropped: called once, with the reason, when the client has exceeded one of them.
    """

    def __init__(self, max_bytes: int, max_packets: int, dropped: Dropped) -> None:
        super().__init__()
        self._max_bytes = max_bytes
        self._max_packets = max_packets
        self._dropped: Dropped | None = dropped
        self._queued_bytes = 0
        # Packets that Engine.IO's writer has taken and not yet written: overtaking them would
        # change the order, though the queue is empty.
        self._under_way = 0
        self._taken = 0
        self._client: Any = None
        self._path: DirectPath | None = None
        self._end: asyncio.TimerHandle | None = None

    @property
    def transport(self) -> asyncio.WriteTransport | None:
        """The WebSocket's transport, where there is one."""
        return None if self._path is None else self._path.transport

    @property
    def backlog(self) -> int:
        """Bytes waiting for the client."""
        path = self._path
        return self._queued_bytes + (path.transport.get_write_buffer_size() if path else 0)

    def attach(self, client: Any, path: DirectPath) -> None:
        """The client has opened a WebSocket; it counts once the upgrade is over."""
        self._client = client
        self._path = path

    def detach(self) -> None:
        """The WebSocket has ended."""
        if self._end is not None:
            self._end.cancel()
        self._client = None
        self._path = None

    def sent(self) -> None:
        """Engine.IO has written a packet."""
        if self._under_way:
            self._under_way -= 1

    def put_nowait(self, item: Any) -> None:
        """Send a packet, or queue it. A client with too much of a backlog gets no more."""
        if item is None:
            self._hurry()
            super().put_nowait(item)
        elif item.packet_type != engineio_packet.MESSAGE:
            self._put_control(item)
        elif self._dropped is not None:
            self._put_message(item)

    def _put_control(self, item: Any) -> None:
        """Queue what is no message, pings among them: Engine.IO's writer takes a silent queue for a
        dead client. It counts, too: a client may have asked for it."""
        if self._dropped is not None or self.empty():  # a poll may wait for its last answer
            super().put_nowait(item)
            self._check()

    def _put_message(self, item: Any) -> None:
        path = self._path
        if path is None or self._under_way or not self.empty() or not self._may_write(item):
            self._queued_bytes += _size(item)
            super().put_nowait(item)
        elif path.open:
            path.transport.write(_frame(item))
        self._check()

    async def get(self) -> Any:
        """The next packet, waited for: with it an answer to a long-polling client begins."""
        self._taken = 0
        return await super().get()

    def get_nowait(self) -> Any:
        """One more packet, unless the answer has as many as a client reads."""
        if self._taken >= AT_ONCE:
            raise asyncio.QueueEmpty
        item = super().get_nowait()
        self._taken += 1
        return item

    def _hurry(self) -> None:
        """Engine.IO waits for its writer, which may be waiting for a client that takes nothing."""
        if self._path is not None and self._end is None:
            loop = asyncio.get_running_loop()
            self._end = loop.call_later(LINGER_SECONDS, self._path.transport.abort)

    def _may_write(self, item: Any) -> bool:
        """The WebSocket has taken over from long-polling, and the packet is text."""
        return bool(self._client.upgraded and not self._client.upgrading and not item.binary)

    def _check(self) -> None:
        if self.backlog > self._max_bytes:
            self._drop(f"backlog over {self._max_bytes} bytes")
        elif self.qsize() > self._max_packets:
            self._drop(f"backlog over {self._max_packets} packets")

    def _drop(self, reason: str) -> None:
        dropped, self._dropped = self._dropped, None
        if dropped is not None:
            dropped(self, reason)

    def _get(self) -> Any:
        item = super()._get()
        if item is not None and item.packet_type == engineio_packet.MESSAGE:
            self._queued_bytes -= _size(item)
        if item is not None and self._path is not None and self._client.upgraded:
            self._under_way += 1
        return item


def _frame(packet: Any) -> bytes:
    if isinstance(packet, SharedPacket):
        return packet.frame
    return text_frame(packet.encode().encode())


def _size(packet: Any) -> int:
    size = getattr(packet, "size", None)
    return int(size) if size is not None else len(packet.encode())
