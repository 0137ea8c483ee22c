"""The MongoDB wire protocol: messages in, messages out, one asyncio protocol per connection.

OP_MSG with document sequences, and OP_QUERY for the first greeting of a driver.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import bson

from bench.memory_mongo.values import Document

Answer = Callable[[Document, list[bytes]], bytes]

_header = struct.Struct("<iiii")
_int32 = struct.Struct("<i")
_op_reply, _op_query, _op_msg = 1, 2004, 2013
_more_to_come = 2


def document_array(documents: list[bytes]) -> bytes:
    """A BSON array of documents that are encoded already."""
    body = b"".join(
        b"\x03%d\x00%b" % (position, document) for position, document in enumerate(documents)
    )
    return _int32.pack(len(body) + 5) + body + b"\x00"


def cursor_reply(
    namespace: str, documents: list[bytes], cursor_id: int = 0, batch: str = "firstBatch"
) -> bytes:
    """A batch of a query's result; ``cursor_id`` 0: there is no more."""
    name = namespace.encode() + b"\x00"
    cursor = (
        b"\x04"
        + batch.encode()
        + b"\x00"
        + document_array(documents)
        + b"\x12id\x00"
        + struct.pack("<q", cursor_id)
        + b"\x02ns\x00"
        + _int32.pack(len(name))
        + name
    )
    body = (
        b"\x03cursor\x00"
        + _int32.pack(len(cursor) + 5)
        + cursor
        + b"\x00\x01ok\x00"
        + struct.pack("<d", 1.0)
    )
    return _int32.pack(len(body) + 5) + body + b"\x00"


class Connection(asyncio.Protocol):
    """Cuts the stream into messages and writes what ``answer`` says to each."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._rest = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every message that is whole; keep the rest."""
        data = self._rest + data if self._rest else data
        start, replies = 0, []
        while len(data) - start >= 16:
            length, request_id, _, opcode = _header.unpack_from(data, start)
            if len(data) - start < length:
                break
            reply = self._reply(opcode, request_id, data[start + 16 : start + length])
            if reply:
                replies.append(reply)
            start += length
        self._rest = data[start:]
        if replies:
            self._transport.write(b"".join(replies))

    def _reply(self, opcode: int, request_id: int, body: bytes) -> bytes:
        if opcode == _op_query:
            answer = self._answer(_query_document(body), [])
            fields = struct.pack("<iqii", 8, 0, 0, 1)
            return _header.pack(36 + len(answer), 0, request_id, _op_reply) + fields + answer
        if opcode != _op_msg:
            self._transport.close()
            return b""
        flags, command, sequence = _message(body)
        answer = self._answer(command, sequence)
        if flags & _more_to_come:
            return b""
        return _header.pack(21 + len(answer), 0, request_id, _op_msg) + b"\0\0\0\0\0" + answer


def _query_document(body: bytes) -> Document:
    start = body.index(b"\x00", 4) + 9
    return bson.decode(body[start : start + _int32.unpack_from(body, start)[0]])


def _message(body: bytes) -> tuple[int, Document, list[bytes]]:
    """Flags, command, and the encoded documents of its document sequence."""
    flags = _int32.unpack_from(body)[0]
    position, end = 4, len(body) - (4 if flags & 1 else 0)
    command: Document = {}
    sequence: list[bytes] = []
    while position < end:
        kind = body[position]
        size = _int32.unpack_from(body, position + 1)[0]
        section = body[position + 1 : position + 1 + size]
        if kind == 0:
            command = bson.decode(section)
        else:
            sequence = _documents(section[section.index(b"\x00", 4) + 1 :])
        position += 1 + size
    return flags, command, sequence


def _documents(section: bytes) -> list[bytes]:
    found, position = [], 0
    while position < len(section):
        size = _int32.unpack_from(section, position)[0]
        found.append(section[position : position + size])
        position += size
    return found
