"""The idle reaper: a connection that is of no use is not kept open for ever.

Engine.IO keeps a connection for as long as it answers pings, and Socket.IO asks for a token only
when a client joins. Whoever never joins, or was refused, or has left, would stay, unlimited.

It also looks for clients that answer pings no longer. Engine.IO's own watchman wakes up for each
client once in 20 seconds, which for a large crowd that sits still is a thousand times a second.
"""

from __future__ import annotations

import asyncio
from time import time
from typing import Any

from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.socketio.protocol import SocketServer

ROUND_SECONDS = 10.0

MOST_AT_ONCE = 1_000
"""Clients that are looked at without letting anybody else have a turn: some 2 ms."""


class IdleReaper:
    """Hangs up on who is silent, and on who was outside in two rounds, one after the other."""

    def __init__(self, sio: SocketServer) -> None:
        self._sio = sio
        self._outside: set[str] = set()
        self._loop = Periodic("idle-reaper", ROUND_SECONDS, self.round)

    def start(self) -> None:
        """Start going round."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop going round."""
        await self._loop.aclose()

    async def round(self) -> None:
        """Look at every connection once."""
        outside = set()
        for number, (eio_sid, connection) in enumerate(list(self._sio.eio.sockets.items()), 1):
            if connection.closed:
                self._sio.eio.sockets.pop(eio_sid, None)
            elif self._is_silent(connection):
                await self._sio.hang_up(eio_sid)
            elif self._sio.manager.sid_from_eio_sid(eio_sid, "/") is None:
                outside.add(eio_sid)
            if number % MOST_AT_ONCE == 0:
                await asyncio.sleep(0)
        for eio_sid in outside & self._outside:
            await self._sio.hang_up(eio_sid)
        self._outside = outside

    def _is_silent(self, connection: Any) -> bool:
        """Whether a client has left a ping without an answer for too long."""
        pinged = connection.last_ping
        return bool(pinged) and time() - pinged > self._sio.eio.ping_timeout
