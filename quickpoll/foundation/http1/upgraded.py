"""What Hypercorn itself serves here, WebSocket above all, with what it leaves undone.

* No h2c (RFC 9113, 3.1): where a proxy passes ``Upgrade`` on, it would be a tunnel past that proxy.
* Status lines have their phrase.
* A WebSocket that breaks the protocol is told so (RFC 6455, 7.1.7): wsproto says with which code,
  and Hypercorn would only hang up.
* A handshake that is refused ends the connection; Hypercorn would keep it open for good.
"""

from __future__ import annotations

from collections.abc import Generator
from http import HTTPStatus
from typing import Any

import h11
from hypercorn.protocol.events import StreamClosed
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import WSStream
from wsproto.connection import Connection, ConnectionState
from wsproto.events import CloseConnection, Event

_PHRASES = {int(status): status.phrase for status in HTTPStatus}


class UpgradableProtocol(H11Protocol):
    """Hypercorn's HTTP/1.1, from which a connection goes on to WebSocket and nothing else."""

    async def _check_protocol(self, event: h11.Request) -> None:
        if event.http_version == b"2.0" and not list(event.headers):  # HTTP/2 from the start
            await super()._check_protocol(event)

    async def _send_h11_event(self, event: Any) -> None:
        if isinstance(event, h11.Response | h11.InformationalResponse):
            event = type(event)(
                status_code=event.status_code,
                headers=event.headers,
                reason=_PHRASES.get(event.status_code, ""),
            )
        await super()._send_h11_event(event)


class UpgradedStream(WSStream):
    """Hypercorn's WebSocket, which ends together with its connection."""

    async def _send_error_response(self, status_code: int) -> None:
        await super()._send_error_response(status_code)
        await self.send(StreamClosed(stream_id=self.stream_id))


class OutspokenConnection(Connection):
    """wsproto's connection, on which a broken frame counts as the client's goodbye.

    Hypercorn answers a goodbye with the same code: for a broken frame that is the one that says
    what is wrong with it.
    """

    def events(self) -> Generator[Event, None, None]:
        """What came in."""
        for event in super().events():
            if isinstance(event, CloseConnection) and self._state is ConnectionState.OPEN:
                self._state = ConnectionState.REMOTE_CLOSING
            yield event
