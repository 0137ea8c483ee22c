"""The Socket.IO server as the service sets it up, and sending without waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import socketio

ping_seconds = 25
most_message_bytes = 64 * 1024


class EmitSender:
    """Sends with python-socketio's own emit, in the order of the calls."""

    def __init__(self, sio: socketio.AsyncServer) -> None:
        self._sio = sio
        self._tasks: set[asyncio.Task[None]] = set()

    def send(
        self,
        event: str,
        payload: dict[str, Any],
        *,
        room: str | None = None,
        sids: Iterable[str] | None = None,
    ) -> int:
        """Send to a room or to some connections."""
        targets = [room] if room is not None else list(sids or ())
        for target in targets:
            task = asyncio.create_task(self._sio.emit(event, payload, to=target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(targets)


def make_server(origins: tuple[str, ...]) -> tuple[socketio.AsyncServer, EmitSender]:
    """A server for these origins (``*`` is any), and how to send through it."""
    sio = socketio.AsyncServer(
        async_mode="asgi",
        cors_allowed_origins="*" if "*" in origins else list(origins),
        max_http_buffer_size=most_message_bytes,
        ping_interval=ping_seconds,
        http_compression=False,
    )
    return sio, EmitSender(sio)
