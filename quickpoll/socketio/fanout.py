"""Sending one event to many clients for the price of one, and of a write for each.

python-socketio encodes an event once, but starts a task for each recipient, which awakes another
one that frames and writes it. ``FanOutManager`` frames once and writes to the sockets itself
(``outbox``), with python-socketio's own client manager as the seam.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import socketio

from quickpoll.socketio.direct import keep_ping_tasks, known_versions, use_direct_websocket
from quickpoll.socketio.frames import SharedPacket, event_text
from quickpoll.socketio.outbox import Outbox

MAX_BACKLOG_BYTES = 262_144
MAX_BACKLOG_PACKETS = 1_000

OnConnect = Callable[[str], None]
OnDrop = Callable[[str, str], None]


class FanOutManager(socketio.AsyncManager):  # type: ignore[misc]
    """A python-socketio client manager: ``AsyncServer(client_manager=FanOutManager())``.

    No client holds up another: each has a bounded backlog, and is disconnected beyond it.

    Arguments:
        max_backlog_bytes: what may wait for one client, in its queue and its socket's buffer.
        max_backlog_packets: packets that may wait in its queue.

    Attributes:
        on_connect: called with the client's sid once it has been told that it is connected, and
            before anything else can be sent to it.
        on_drop: called with the client's sid and the reason when one is dropped.
    """

    def __init__(
        self,
        *,
        max_backlog_bytes: int = MAX_BACKLOG_BYTES,
        max_backlog_packets: int = MAX_BACKLOG_PACKETS,
        on_drop: OnDrop | None = None,
    ) -> None:
        super().__init__()
        self._max_backlog_bytes = max_backlog_bytes
        self._max_backlog_packets = max_backlog_packets
        self.on_connect: OnConnect | None = None
        self.on_drop = on_drop
        self._direct = False
        self._rooms_of: dict[str, set[str | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def set_server(self, server: Any) -> None:
        """Called by python-socketio's server, before its first client."""
        super().set_server(server)
        self._direct = known_versions()
        if self._direct:
            server.eio.create_queue = self._create_outbox
            use_direct_websocket(server.eio)
            keep_ping_tasks(server.eio)

    def _create_outbox(self) -> Outbox:
        return Outbox(self._max_backlog_bytes, self._max_backlog_packets, self._drop)

    def send(
        self,
        event: str,
        payload: dict[str, Any],
        *,
        room: str | None = None,
        sids: Iterable[str] | None = None,
        namespace: str = "/",
    ) -> int:
        """Send an event to a room, to some clients, or (neither given) to all; waits for nobody.

        Returns:
            How many clients it is for.
        """
        recipients = self._recipients(namespace, room, sids)
        packet = SharedPacket(event_text(event, payload, namespace))
        if self._direct:
            self._deliver(packet, recipients)
        elif recipients:
            self._spawn(self._deliver_slowly(packet, recipients))
        return len(recipients)

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **kwargs: Any,
    ) -> None:
        """python-socketio's own ``emit``; without callback and binary data, by our way."""
        packet_class = self.server.packet_class
        values = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        if callback or not self._direct or packet_class.data_is_binary(values):
            await super().emit(
                event, data, namespace, room=room, skip_sid=skip_sid, callback=callback, to=to
            )
            return
        skipped = skip_sid if isinstance(skip_sid, list) else [skip_sid]
        text = packet_class(data=[event, *values], namespace=namespace).encode()
        if namespace in self.rooms:
            participants = self.get_participants(namespace, to or room)
            recipients = [eio_sid for sid, eio_sid in participants if sid not in skipped]
            self._deliver(SharedPacket(text), recipients)

    def _recipients(
        self, namespace: str, room: str | None, sids: Iterable[str] | None
    ) -> list[str]:
        """The Engine.IO ids of the clients meant."""
        rooms = self.rooms.get(namespace, {})
        if sids is None:
            return list(rooms.get(room, {}).values())
        everybody = rooms.get(None, {})
        return [everybody[sid] for sid in sids if sid in everybody]

    def _deliver(self, packet: SharedPacket, recipients: Iterable[str]) -> None:
        sockets = self.server.eio.sockets
        for eio_sid in recipients:
            socket = sockets.get(eio_sid)
            if socket is not None and not socket.closed:
                socket.queue.put_nowait(packet)

    async def _deliver_slowly(self, packet: SharedPacket, recipients: list[str]) -> None:
        for eio_sid in recipients:
            await self.server.eio.send_packet(eio_sid, packet)

    # Who is where

    async def connect(self, sid: str, namespace: str) -> str:
        """Called by python-socketio when it has told the client."""
        sid = await super().connect(sid, namespace)
        if self.on_connect is not None:
            self.on_connect(sid)
        return sid

    def basic_enter_room(
        self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None
    ) -> None:
        """Take a client into a room."""
        super().basic_enter_room(sid, namespace, room, eio_sid=eio_sid)
        self._rooms_of.setdefault(sid, set()).add(room)

    def basic_leave_room(self, sid: str, namespace: str, room: str | None) -> None:
        """Let a client leave a room."""
        super().basic_leave_room(sid, namespace, room)
        rooms = self._rooms_of.get(sid, set())
        rooms.discard(room)
        if not rooms:
            self._rooms_of.pop(sid, None)

    def basic_disconnect(self, sid: str, namespace: str, **kwargs: Any) -> None:
        """Forget a client: its own rooms only, where python-socketio looks into every room.

        With thousands of clients that would be seconds in which everybody else waits.
        """
        if namespace not in self.rooms:
            return
        for room in list(self._rooms_of.get(sid, ())):
            self.basic_leave_room(sid, namespace, room)
        self.callbacks.pop(sid, None)
        for pending in (self.pending_connect, self.pending_disconnect):
            if sid in pending.get(namespace, ()):
                pending[namespace].remove(sid)
                if not pending[namespace]:
                    del pending[namespace]

    def empty(self, room: str, namespace: str = "/") -> None:
        """Let everybody leave a room."""
        if namespace in self.rooms:
            self.basic_close_room(room, namespace)

    # Clients that do not keep up

    def _drop(self, outbox: Outbox, reason: str) -> None:
        """End a client's connection, its backlog unsent."""
        transport = outbox.transport
        eio_sid = self._owner(outbox)
        if self.on_drop is not None:
            for namespace in list(self.rooms):
                sid = self.sid_from_eio_sid(eio_sid, namespace)
                if sid is not None:
                    self.on_drop(sid, reason)
        if transport is not None:
            transport.abort()  # Engine.IO sees it, and cleans up
        elif eio_sid is not None:
            self._spawn(self._disconnect(eio_sid, reason))

    def _owner(self, outbox: Outbox) -> str | None:
        for eio_sid, socket in self.server.eio.sockets.items():
            if socket.queue is outbox:
                return str(eio_sid)
        return None

    async def _disconnect(self, eio_sid: str, reason: str) -> None:
        """Forget a long-polling client; its next request is answered as of an unknown session."""
        socket = self.server.eio.sockets.get(eio_sid)
        if socket is not None:
            # Not by its own disconnect: that waits until the queue is empty.
            await socket.close(wait=False, abort=True, reason=reason)
            self.server.eio.sockets.pop(eio_sid, None)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
