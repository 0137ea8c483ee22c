"""The Socket.IO server as the service sets it up."""

from __future__ import annotations

import logging

from engineio.payload import Payload

from quickpoll.socketio.fanout import FanOutManager
from quickpoll.socketio.packets import MOST_PACKETS
from quickpoll.socketio.protocol import SocketServer

PING_SECONDS = 25
MOST_MESSAGE_BYTES = 64 * 1024


SPARE_CONNECTIONS = 1_000
"""Beyond the clients that may join: so many can be told why they may not."""


def make_server(origins: tuple[str, ...], most_clients: int) -> tuple[SocketServer, FanOutManager]:
    """A server for these origins (``*`` is any), and how to send through it."""
    fanout = FanOutManager()
    sio = SocketServer(
        most_connections=most_clients + SPARE_CONNECTIONS,
        async_mode="asgi",
        client_manager=fanout,
        cors_allowed_origins="*" if "*" in origins else list(origins),
        max_http_buffer_size=MOST_MESSAGE_BYTES,
        ping_interval=PING_SECONDS,
        http_compression=False,
        monitor_clients=False,  # the idle_reaper does it
        logger=_logger("socketio.server"),
        engineio_logger=_logger("engineio.server"),
    )
    Payload.max_decode_packets = MOST_PACKETS  # of the process, as the library offers it
    return sio, fanout


def _logger(name: str) -> logging.Logger:
    """A library's logger, without the handler that it would add of its own.

    Its warnings are about clients that have just left, and there may be thousands of those.
    """
    logger = logging.getLogger(name)
    logger.setLevel(logging.ERROR)
    return logger
