"""The head of a response and the framing of its body, as h11 writes them.

The same header fields in the same order and spelling, so that a client cannot tell which of the
two parsers answered. The status line has its standard phrase: some clients and proxies need it.
"""

import re
from collections.abc import Iterable
from enum import Enum, auto
from http import HTTPStatus

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_STATUS_LINES = {int(s): b"HTTP/1.1 %d %b\r\n" % (s, s.phrase.encode()) for s in HTTPStatus}
_MAX_KNOWN_NAMES = 1024
_BODYLESS = frozenset({204, 304})
_FIRST_FINAL_STATUS, _END_OF_STATUSES = 200, 1000


def status_line(status: int) -> bytes:
    """The first line of a response; a status of nobody's registry has no phrase."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def error_response(status: int, common: bytes) -> bytes:
    """A whole response to what is no request, before the connection is closed."""
    return status_line(status) + b"content-length: 0\r\nconnection: close\r\n" + common + b"\r\n"


class BadResponse(RuntimeError):
    """The application's response cannot be put into HTTP/1.1 as it stands."""


class Framing(Enum):
    """How the client learns where the body ends."""

    NO_BODY = auto()
    LENGTH = auto()
    CHUNKED = auto()
    CLOSE = auto()


class _Field(Enum):
    PLAIN = auto()
    CONTENT_LENGTH = auto()
    TRANSFER_ENCODING = auto()
    CONNECTION = auto()


_SPECIAL = {
    b"content-length": _Field.CONTENT_LENGTH,
    b"transfer-encoding": _Field.TRANSFER_ENCODING,
    b"connection": _Field.CONNECTION,
}
# Names as applications spell them, checked once, and how a line with them begins. Bounded: an
# application may make up names.
_PLAIN_NAMES: dict[bytes, bytes] = {}


class ResponseHead:
    """A response's head in the making.

    Arguments:
        status: 200 to 999.
        headers: the application's, in its order.
        method, version: of the request.
        client_closes: the request allows no second one (``Connection: close``, HTTP/1.0).

    Raises:
        BadResponse: an illegal status, name, value or length; nothing was sent yet.
    """

    __slots__ = (
        "_chunks",
        "_client_closes",
        "_connection",
        "_lines",
        "_version",
        "close",
        "framing",
        "length",
    )

    def __init__(
        self,
        status: int,
        headers: Iterable[tuple[bytes, bytes]],
        *,
        method: str,
        version: str,
        client_closes: bool,
    ) -> None:
        if not _FIRST_FINAL_STATUS <= status < _END_OF_STATUSES:
            raise BadResponse(f"{status} is not the status of a final response")
        self.length: int | None = None
        self.close = client_closes
        self._client_closes = client_closes
        self._version = version
        self._chunks = False
        self._connection: list[bytes] = []
        self._lines = [status_line(status)]
        bodyless = status in _BODYLESS
        chunked = self._read(headers, keep_framing=bodyless)
        if bodyless:
            self.framing = Framing.NO_BODY
        else:
            self._choose_framing(method, chunked)

    def _read(self, headers: Iterable[tuple[bytes, bytes]], *, keep_framing: bool) -> bool:
        """Take the fields over; True where the application asks for chunks itself."""
        chunked = False
        lengths: list[bytes] = []
        for raw_name, raw_value in headers:
            name, value = bytes(raw_name), bytes(raw_value).strip()
            plain = _PLAIN_NAMES.get(name)
            if plain is not None:
                self._lines.append(plain + value + b"\r\n")
                continue
            name = name.strip()
            field = _SPECIAL.get(name.lower()) or _learn(name)
            if field is _Field.CONTENT_LENGTH:
                self._read_length(value)
                lengths.append(b"%b: %b\r\n" % (name, value))
            elif field is _Field.TRANSFER_ENCODING:
                if value.lower() != b"chunked":
                    raise BadResponse("Only Transfer-Encoding: chunked is supported")
                chunked = True
                if not keep_framing:
                    continue
            elif field is _Field.CONNECTION:
                tokens = [token.strip() for token in value.lower().split(b",")]
                self._connection += tokens
                self.close = self.close or b"close" in tokens
                if self._client_closes:
                    continue
            self._lines.append(b"%b: %b\r\n" % (name, value))
        if chunked and lengths and not keep_framing:
            self._lines = [line for line in self._lines if line not in lengths]
        return chunked

    def _read_length(self, value: bytes) -> None:
        if not value.isdigit() or (self.length is not None and self.length != int(value)):
            raise BadResponse("Bad or conflicting Content-Length")
        self.length = int(value)

    def _choose_framing(self, method: str, chunked: bool) -> None:
        if self.length is not None and not chunked:
            self.framing = Framing.LENGTH
        elif self._version == "1.1":
            self.framing = Framing.CHUNKED
        else:
            self.framing = Framing.CLOSE
        self._chunks = self.framing is Framing.CHUNKED
        if method == "HEAD":
            self.framing = Framing.NO_BODY

    def render(self, common: bytes, *, server_closes: bool) -> bytes:
        """The bytes of the head.

        Arguments:
            common: the server's own lines (date, server), each with its line end.
            server_closes: the server wants no further request on this connection.
        """
        lines = self._lines
        count = len(lines) + common.count(b"\n") + 1
        lines.append(common)
        if server_closes and not self.close:
            self.close = True
            lines.append(b"connection: close\r\n")
            count += 1
        if self._chunks:
            lines.append(b"Transfer-Encoding: chunked\r\n")
            count += 1
        if self._client_closes:
            tokens = sorted({b"close", *self._connection} - {b"keep-alive", b""})
            lines += [b"Connection: %b\r\n" % token for token in tokens]
            count += len(tokens)
        lines.append(b"\r\n")
        head = b"".join(lines)
        # A line more than there are fields: a value carries one, to split the response in two.
        if head.count(b"\n") != count or head.count(b"\r") != count or b"\0" in head:
            raise BadResponse("Illegal character in a header value")
        return head


def _learn(name: bytes) -> _Field:
    if not _TOKEN.fullmatch(name):
        raise BadResponse(f"Illegal header name {name!r}")
    if len(_PLAIN_NAMES) < _MAX_KNOWN_NAMES:
        _PLAIN_NAMES[name] = name + b": "
    return _Field.PLAIN
