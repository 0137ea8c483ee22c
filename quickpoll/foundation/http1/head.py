"""The head of a request: request line and header fields, parsed by llhttp, judged once more here.

llhttp refuses bare line feeds, folded lines, blanks before a colon, Content-Length beside
Transfer-Encoding, doubled or odd lengths. What it lets through and Hypercorn's own parser (h11)
does not is refused here, so that nothing gets past this server that a stricter one behind or in
front of it would read differently (request smuggling).
"""

import re
from dataclasses import dataclass

import httptools

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}")
_FRAMING = frozenset((b"host", b"content-length", b"transfer-encoding", b"connection", b"expect"))
_VERSIONS = {b" HTTP/1.1": "1.1", b" HTTP/1.0": "1.0"}
_VERSION_LENGTH = len(b" HTTP/1.1")
_MAX_LENGTH_DIGITS = 20
_BLANK = ord(" ")
_NO_BEGINNING = frozenset(bytes((code,)) for code in range(_BLANK + 1))

Headers = list[tuple[bytes, bytes]]


class BadHead(Exception):
    """The bytes are no request that we answer but with an error.

    Attributes:
        status: the HTTP status to answer with before closing.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class UncommonRequest(Exception):
    """A request for another protocol (WebSocket, HTTP/2): not for this server."""


@dataclass(slots=True)
class RequestHead:
    """What the head says; header names in lower case, values stripped.

    ``content_length`` is 0 where there is none, and without meaning when ``chunked``.
    """

    method: str
    target: bytes
    version: str
    headers: Headers
    content_length: int = 0
    chunked: bool = False
    keep_alive: bool = True
    expects_continue: bool = False


def skip_empty_lines(data: bytes) -> bytes:
    """What follows empty lines before a request line (RFC 9112, 2.2), which some clients send after
    a body. A carriage return at the very end may yet become one.

    Raises:
        BadHead: it is neither an empty line nor the beginning of a request line.
    """
    if data[0] > _BLANK:
        return data
    rest = data.lstrip(b"\r\n")
    odd = data[: len(data) - len(rest)].replace(b"\r\n", b"")
    if not rest and odd == b"\r" and data.endswith(odd):
        return odd
    if odd or rest[:1] in _NO_BEGINNING:
        raise BadHead(400, "No request line")
    return rest


class HeadParser:
    """Parses one complete head after another, of one connection."""

    __slots__ = ("_headers", "_parser", "_target", "_upgrade_asked")

    def __init__(self) -> None:
        self._headers: Headers = []
        self._target = b""
        self._upgrade_asked = False
        self._parser = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        """Called by llhttp with the request target."""
        self._target = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by llhttp with each header field; the value may still end in blanks."""
        self._headers.append((name.lower(), value.rstrip(b" \t")))

    def parse(self, head: bytes) -> RequestHead:
        """Parse ``head``, which ends with its first empty line.

        Raises:
            BadHead: it is malformed, or its framing is not beyond doubt.
            UncommonRequest: it is for the general server.
        """
        line = head[: head.index(b"\r\n")]
        self._headers = []
        self._upgrade_asked = False
        self._feed(head, line)
        result = self._checked(line)
        if result.chunked or result.content_length:
            # llhttp now waits for a body that it will not be shown.
            self._parser = httptools.HttpRequestParser(self)
        return result

    def _feed(self, head: bytes, line: bytes) -> None:
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            self._stay()
        except httptools.HttpParserInvalidMethodError as error:
            self._feed_extension_method(head, line, error)
        except httptools.HttpParserError as error:
            raise BadHead(_status_of(error), str(error)) from error

    def _feed_extension_method(self, head: bytes, line: bytes, error: Exception) -> None:
        """Any token may be a method (RFC 9110, 9.1); llhttp knows those of the registry alone."""
        method = line.partition(b" ")[0]
        if not _TOKEN.fullmatch(method):
            raise BadHead(400, "Invalid method") from error
        self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(b"POST" + head[len(method) :])
        except httptools.HttpParserUpgrade:
            self._stay()
        except httptools.HttpParserError as other:
            raise BadHead(_status_of(other), str(other)) from other

    def _stay(self) -> None:
        """llhttp waits for another protocol, and would read no further request."""
        self._upgrade_asked = True
        self._parser = httptools.HttpRequestParser(self)

    def _checked(self, line: bytes) -> RequestHead:
        version = _VERSIONS.get(line[-_VERSION_LENGTH:])
        if line == b"PRI * HTTP/2.0" and not self._headers:
            raise UncommonRequest
        if version is None:
            raise BadHead(505, "Only HTTP/1.0 and HTTP/1.1")
        method = line.partition(b" ")[0]
        # One blank on either side of the target: llhttp would skip several.
        if len(method) + 1 + len(self._target) + _VERSION_LENGTH != len(line):
            raise BadHead(400, "Illegal request line")
        head = RequestHead(method.decode("ascii").upper(), self._target, version, self._headers)
        _read_framing(head)
        if self._upgrade_asked:
            _judge_upgrade(head)
        return head


def _status_of(error: Exception) -> int:
    """501 for a transfer coding that we do not have, 400 for what nobody could understand."""
    return 501 if "invalid `Transfer-Encoding`" in str(error) else 400


def _read_framing(head: RequestHead) -> None:
    """Fill in what the header fields say about where the request ends and what follows."""
    hosts = 0
    head.keep_alive = head.version == "1.1"
    for name, value in head.headers:
        if name not in _FRAMING:
            continue
        if name == b"host":
            hosts += 1
        elif name == b"connection":
            head.keep_alive = head.keep_alive and b"close" not in _tokens(value)
        elif name == b"content-length":
            head.content_length = _content_length(value)
        elif name == b"transfer-encoding":
            _check_transfer_encoding(head, value)
        elif name == b"expect" and b"100-continue" in _tokens(value):
            head.expects_continue = head.version == "1.1"
    if hosts > 1 or (hosts == 0 and head.version == "1.1"):
        raise BadHead(400, "Exactly one Host is needed")


def _judge_upgrade(head: RequestHead) -> None:
    """Let WebSocket through, and go on in HTTP/1.1 with whoever asks for something else, as anybody
    may (RFC 9110, 7.8). Above all no h2c (RFC 9113, 3.1): where a proxy passes ``Upgrade`` on, it
    would be a tunnel past that proxy and its rules.
    """
    if head.method == "CONNECT":
        raise BadHead(501, "This is no proxy")
    asked = [value.lower() for name, value in head.headers if name == b"upgrade"]
    may = head.method == "GET" and head.version == "1.1"
    if may and asked == [b"websocket"] and not (head.content_length or head.chunked):
        raise UncommonRequest


def _tokens(value: bytes) -> list[bytes]:
    return [token.strip() for token in value.lower().split(b",")]


def _content_length(value: bytes) -> int:
    if not value.isdigit() or len(value) > _MAX_LENGTH_DIGITS:
        raise BadHead(400, "Bad Content-Length")
    return int(value)


def _check_transfer_encoding(head: RequestHead, value: bytes) -> None:
    if head.chunked or value.lower() != b"chunked":
        raise BadHead(501, "Only Transfer-Encoding: chunked is supported")
    if head.version != "1.1":
        raise BadHead(400, "Transfer-Encoding in HTTP/1.0")
    head.chunked = True
    head.headers[head.headers.index((b"transfer-encoding", value))] = (
        b"transfer-encoding",
        b"chunked",
    )
