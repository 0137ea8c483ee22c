"""The way out of a connection: what is written, and whether the client takes it."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios

from quickpoll.foundation.http1 import limits
from quickpoll.foundation.http1.server import Server


class Output:
    """Writes to a transport, and cuts off a client that takes nothing any more.

    Attributes:
        writable: set while the client keeps up.
    """

    __slots__ = ("_server", "_timer", "_unsent", "transport", "writable")

    def __init__(self, server: Server, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.writable = server.always_writable
        self._server = server
        self._unsent = 0
        self._timer: asyncio.TimerHandle | None = None

    def write(self, parts: list[bytes]) -> None:
        """Send bytes, in one go where they are one."""
        for part in parts:
            self.transport.write(part)

    def pause(self) -> None:
        """The client reads more slowly than we write."""
        self.writable = asyncio.Event()
        self._watch()

    def resume(self) -> None:
        """What was written is nearly sent."""
        self.writable.set()
        if not self.transport.is_closing():
            self._rest()

    def close(self) -> None:
        """Close once everything is sent."""
        self.transport.close()
        self._watch()

    def ended(self) -> None:
        """The connection is no more."""
        self.writable.set()
        self._rest()

    def _watch(self) -> None:
        if self.transport.get_write_buffer_size() and self._timer is None:
            self._unsent = self._waiting()
            self._timer = self._server.loop.call_later(limits.STALLED_SECONDS, self._look)

    def _look(self) -> None:
        """Whether anything was taken since the last look."""
        self._timer = None
        if self._waiting() < self._unsent:
            self._watch()
        else:
            self.transport.abort()

    def _waiting(self) -> int:
        """Bytes that the client has not taken, with those that the kernel holds: it holds so much
        that ours change in leaps only, and a slow link would seem to stand still."""
        descriptor = self.transport.get_extra_info("socket").fileno()
        (held,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))
        return self.transport.get_write_buffer_size() + int(held)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
