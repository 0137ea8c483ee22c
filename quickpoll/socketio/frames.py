"""Packets that are encoded once, whoever and however many they are for."""

from typing import Any

import orjson
from engineio import packet as engineio_packet
from socketio import packet as socketio_packet

_FINAL_TEXT = 0x81  # RFC 6455, 5.2: last fragment, opcode text
_SHORT, _TWO_BYTES = 126, 1 << 16


def text_frame(text: bytes) -> bytes:
    """A WebSocket message from server to client: one text frame, not masked, not compressed."""
    length = len(text)
    if length < _SHORT:
        return bytes((_FINAL_TEXT, length)) + text
    if length < _TWO_BYTES:
        return bytes((_FINAL_TEXT, 126)) + length.to_bytes(2, "big") + text
    return bytes((_FINAL_TEXT, 127)) + length.to_bytes(8, "big") + text


def event_text(event: str, payload: Any, namespace: str = "/") -> str:
    """A Socket.IO event packet (protocol 5) without acknowledgement, as text.

    Raises:
        TypeError: the payload is nothing that JSON knows.
    """
    scope = "" if namespace == "/" else f"{namespace},"
    return f"{socketio_packet.EVENT}{scope}{orjson.dumps([event, payload]).decode()}"


class SharedPacket(engineio_packet.Packet):  # type: ignore[misc]
    """An Engine.IO text message for many clients.

    Attributes:
        frame: the message as WebSocket bytes, ready to write.
        size: bytes that it takes of a client's backlog.
    """

    def __init__(self, text: str) -> None:
        super().__init__(engineio_packet.MESSAGE, text)
        self.frame = text_frame(self.encode().encode())
        self.size = len(self.frame)
