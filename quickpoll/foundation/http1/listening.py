"""The end of listening: whoever is at the door is let in, and then the door is closed for good.

A connection that the kernel has made and the service has not accepted yet is reset when the
listening socket is closed, though its client may have sent a request already. So the queue is
emptied first. On Linux nobody joins it meanwhile: a filter on the socket drops what asks for a new
connection, and the client's kernel asks again when the port is closed, and hears that it is.
"""

from __future__ import annotations

import asyncio
import ctypes
import select
import socket
import struct
import sys
from contextlib import suppress
from typing import Any

EMPTYING_SECONDS = 2.0
"""After so long the door is closed whoever stands there: all of a stop has ten seconds."""

_TURNS_TO_BEGIN = 5
"""Turns of the event loop from accepting a connection to the task that serves it. asyncio drops
what it has accepted and not begun, and Hypercorn waits for the tasks that there are."""

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; Python does not name it
_INTERNET = (socket.AF_INET, socket.AF_INET6)
_DROP_SYN = (  # classic BPF over the TCP header: code, jump if true, jump if false, operand
    (0x30, 0, 0, 13),  # load the byte with the flags
    (0x45, 0, 1, 0x02),  # is SYN among them?
    (0x06, 0, 0, 0),  # then drop it,
    (0x06, 0, 0, 0xFFFFFFFF),  # else let it pass
)


class Listener:
    """An ``asyncio.Server`` with one socket, which empties its queue before it is closed.

    Only for a socket that nobody else has: the filter stays on it.
    """

    def __init__(self, server: asyncio.Server, listening: socket.socket) -> None:
        self._server = server
        self._socket = listening

    def close(self) -> None:
        """Let nobody else join the queue; :meth:`wait_closed` closes."""
        if self._socket.family in _INTERNET:
            refuse_new(self._socket)

    async def wait_closed(self) -> None:
        """Accept who is in the queue, then close."""
        with suppress(TimeoutError):
            async with asyncio.timeout(EMPTYING_SECONDS):
                await self._empty_queue()
        self._server.close()
        await self._server.wait_closed()

    async def _empty_queue(self) -> None:
        quiet = 0
        while quiet < _TURNS_TO_BEGIN:
            quiet = 0 if _has_more(self._socket) else quiet + 1
            await asyncio.sleep(0)  # the loop accepts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)


def refuse_new(listening: socket.socket) -> None:
    """Drop packets that ask for a new connection, where the kernel can."""
    if not sys.platform.startswith("linux"):
        return
    code = b"".join(struct.pack("HBBI", *line) for line in _DROP_SYN)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(_DROP_SYN), ctypes.addressof(buffer))
    with suppress(OSError):  # then some may come in the microseconds between look and close
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _has_more(listening: socket.socket) -> bool:
    poll = select.poll()
    poll.register(listening.fileno(), select.POLLIN)
    return any(events & select.POLLIN for _, events in poll.poll(0))
