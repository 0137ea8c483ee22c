"""Where a message ends: the framing of what clients say to MongoDB and to Redis."""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack_from

Framing = Callable[[bytearray], list[bytes]]
"""Takes all whole messages from the front of a buffer, and leaves the rest of it."""


def mongo_messages(buffer: bytearray) -> list[bytes]:
    """Messages of MongoDB's wire protocol: each begins with its length (int32, little endian)."""
    found = []
    while len(buffer) >= 4:
        (length,) = unpack_from("<i", buffer)
        if len(buffer) < length:
            break
        found.append(bytes(buffer[:length]))
        del buffer[:length]
    return found


def redis_commands(buffer: bytearray) -> list[bytes]:
    """Commands of RESP: arrays of bulk strings."""
    found = []
    while (end := _end_of_command(buffer)) > 0:
        found.append(bytes(buffer[:end]))
        del buffer[:end]
    return found


def _end_of_command(buffer: bytearray) -> int:
    """Where the first command ends, 0 where it is not whole yet."""
    at = buffer.find(b"\r\n") + 2
    if at < 2:
        return 0
    for _ in range(int(buffer[1 : at - 2])):
        after = buffer.find(b"\r\n", at) + 2
        if after < 2:
            return 0
        at = after + int(buffer[at + 1 : after - 2]) + 2
        if at > len(buffer):
            return 0
    return at


def mongo_command(name: str, collection: str) -> bytes:
    """How a command to MongoDB begins: as an element of BSON, so that no text looks like it."""
    value = collection.encode() + b"\0"
    return b"\x02" + name.encode() + b"\0" + len(value).to_bytes(4, "little") + value
