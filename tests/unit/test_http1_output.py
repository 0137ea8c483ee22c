"""The way out of a connection: what is left when it is closed is not waited for without end."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from quickpoll.foundation.http1 import limits
from quickpoll.foundation.http1.output import Output


class Lost(asyncio.Protocol):
    """Knows when its connection is no more."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


async def test_what_is_left_at_the_end_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALLED_SECONDS", 0.05)
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with theirs:
        transport, protocol = await loop.create_connection(Lost, sock=ours)
        transport.set_write_buffer_limits(1 << 30)  # so little that nobody is told to pause
        server: Any = SimpleNamespace(loop=loop, always_writable=asyncio.Event())
        output = Output(server, transport)
        output.write([bytes(4 << 20)])
        output.close()
        await asyncio.wait_for(protocol.lost.wait(), 5)
        output.ended()
