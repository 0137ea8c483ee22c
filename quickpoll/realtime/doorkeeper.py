"""The doorkeeper: a connection that has not come in is not kept open for ever.

Engine.IO keeps a connection for as long as it answers pings, and Socket.IO asks for a token only
when a client joins. Whoever never joins, or was refused, or has left, would stay, unlimited.
"""

from __future__ import annotations

import asyncio

import structlog

from quickpoll.realtime.protocol import SocketServer

log = structlog.get_logger(__name__)

round_seconds = 10.0


class Doorkeeper:
    """Hangs up on connections that were outside in two rounds, one after the other."""

    def __init__(self, sio: SocketServer) -> None:
        self._sio = sio
        self._outside: set[str] = set()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start going round."""
        self._loop = asyncio.create_task(self._go_round(), name="doorkeeper")

    async def aclose(self) -> None:
        """Stop going round."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def round(self) -> None:
        """Look at every connection once."""
        inside = self._sio.manager.sid_from_eio_sid
        outside = {one for one in self._sio.eio.sockets if inside(one, "/") is None}
        for eio_sid in outside & self._outside:
            await self._sio.hang_up(eio_sid)
        self._outside = outside

    async def _go_round(self) -> None:
        while True:
            await asyncio.sleep(round_seconds)
            try:
                await self.round()
            except Exception:
                log.exception("doorkeeper_failed")
