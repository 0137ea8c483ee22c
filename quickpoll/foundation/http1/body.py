"""Where the body of a request ends: by its length, or by its last chunk."""

import re
from typing import Protocol

from quickpoll.foundation.http1.head import BadHead

# At most 16 digits (64 bits); an extension is skipped, but may hold no control character.
_CHUNK_HEADER = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?[ \t]*")
_TRAILER = re.compile(
    rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[ \t]*(?:[^\x00-\x20\x7f]+(?:[ \t]+[^\x00-\x20\x7f]+)*)?[ \t]*"
)


class BodyDecoder(Protocol):
    """Takes the bytes of a body as they come.

    Attributes:
        done: the body has ended; set by ``feed``.
        remaining: bytes still to come, ``None`` where nobody can tell.
    """

    done: bool

    @property
    def remaining(self) -> int | None:
        """See above."""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Split ``data`` into content and what follows after the end of the body.

        Raises:
            BadHead: the framing is broken.
        """


class FixedLength:
    """A body with a Content-Length."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    @property
    def remaining(self) -> int | None:
        """Bytes still to come."""
        return self._left

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Split ``data`` into content and what follows after the end of the body."""
        content, rest = data[: self._left], data[self._left :]
        self._left -= len(content)
        self.done = self._left == 0
        return content, rest


class Chunked:
    """A chunked body; trailers are checked and dropped.

    Arguments:
        max_line: bytes that a chunk header, or all trailers together, may take.
    """

    __slots__ = ("_at", "_data", "_in_chunk", "_max_line", "_step", "_trailers", "done")

    def __init__(self, max_line: int) -> None:
        self.done = False
        self._max_line = max_line
        # What was not understood yet, and how far it is: slicing off each of many tiny chunks
        # would copy the rest as often.
        self._data = b""
        self._at = 0
        self._in_chunk = 0
        self._trailers = 0
        self._step = self._header

    @property
    def remaining(self) -> int | None:
        """0 at the end; before, nobody can tell."""
        return 0 if self.done else None

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Split ``data`` into content and what follows after the end of the body.

        Raises:
            BadHead: the framing is broken.
        """
        content: list[bytes] = []
        self._data = self._data[self._at :] + data if self._data else data
        self._at = 0
        while not self.done and self._step(content):
            pass
        rest = b""
        if self.done:
            rest = self._data[self._at :]
        if self.done or self._at == len(self._data):
            self._data, self._at = b"", 0
        return b"".join(content), rest

    def _header(self, content: list[bytes]) -> bool:
        line = self._take_line()
        if line is None:
            return False
        match = _CHUNK_HEADER.fullmatch(line)
        if match is None:
            raise BadHead(400, "Illegal chunk header")
        self._in_chunk = int(match[1], 16)
        self._step = self._content if self._in_chunk else self._trailer
        return True

    def _content(self, content: list[bytes]) -> bool:
        part = self._data[self._at : self._at + self._in_chunk]
        content.append(part)
        self._at += len(part)
        self._in_chunk -= len(part)
        if self._in_chunk == 0:
            self._step = self._footer
        return bool(part)

    def _footer(self, content: list[bytes]) -> bool:
        end = self._data[self._at : self._at + 2]
        if not b"\r\n".startswith(end):
            raise BadHead(400, "Illegal end of a chunk")
        if end != b"\r\n":
            return False
        self._at += 2
        self._step = self._header
        return True

    def _trailer(self, content: list[bytes]) -> bool:
        line = self._take_line()
        if line is None:
            return False
        self._trailers += len(line)
        if self._trailers > self._max_line:
            raise BadHead(431, "Trailers too long")
        self.done = line == b""
        if line and not _TRAILER.fullmatch(line):
            raise BadHead(400, "Illegal trailer")
        return True

    def _take_line(self) -> bytes | None:
        end = self._data.find(b"\r\n", self._at)
        if (len(self._data) if end < 0 else end) - self._at > self._max_line:
            raise BadHead(400, "Line too long in a chunked body")
        if end < 0:
            return None
        line = self._data[self._at : end]
        self._at = end + 2
        return line
