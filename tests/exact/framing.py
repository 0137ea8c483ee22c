"""Where a message ends: the framing of what clients say to MongoDB and to Redis."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack, unpack_from

import bson

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


def request_id(message: bytes) -> int:
    """The number of a message to MongoDB."""
    found: int = unpack_from("<i", message, 4)[0]
    return found


def answered_id(message: bytes) -> int:
    """The number of the message that this one answers."""
    found: int = unpack_from("<i", message, 8)[0]
    return found


def without_majority(message: bytes) -> bytes:
    """The same answer (``OP_MSG`` with one document) with a write concern error in it."""
    head, body = message[:21], bson.decode(message[21:])
    body["writeConcernError"] = {
        "code": 64,
        "codeName": "WriteConcernFailed",
        "errmsg": "waiting for replication timed out",
        "errInfo": {"wtimeout": True},
    }
    encoded = bson.encode(body)
    return pack("<i", len(head) + len(encoded)) + head[4:] + encoded
