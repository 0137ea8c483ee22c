"""The head of a request: the same reading as h11, and never a laxer one."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickpoll.foundation.http1.head import (
    BadHead,
    HeadParser,
    RequestHead,
    UncommonRequest,
)

HOST = b"Host: example.org\r\n"


def ours(head: bytes) -> RequestHead | int:
    """What we read, or the status of our refusal."""
    try:
        return HeadParser().parse(head)
    except BadHead as error:
        return error.status


def h11s(head: bytes) -> h11.Request | int:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(head)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        return error.error_status_hint
    assert isinstance(event, h11.Request)
    return event


ACCEPTED = [
    b"GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /a%20b/?q=1&r=%2F HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET http://example.org/a?b HTTP/1.1\r\n" + HOST + b"\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET / HTTP/1.1\r\nhOsT:\texample.org \t \r\nX-Empty:\r\nX-A: b  c\t\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X-Latin: caf\xe9\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\nX: 2\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"Connection: keep-alive , Close\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"Connection: x\r\nConnection: close\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5 \r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0005\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: Chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n",
    b"QUERY / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"BREW /pot HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\n",
    b"get / HTTP/1.1\r\n" + HOST + b"\r\n",
]

# What is refused, and what it would be good for.
REFUSED = {
    "CL and TE": HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "TE and CL": HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "two CL": HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "two equal CL": HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n",
    "CL list": HOST + b"Content-Length: 5, 6\r\n",
    "CL plus": HOST + b"Content-Length: +5\r\n",
    "CL minus": HOST + b"Content-Length: -5\r\n",
    "CL hex": HOST + b"Content-Length: 0x5\r\n",
    "CL blank inside": HOST + b"Content-Length: 5 5\r\n",
    "CL empty": HOST + b"Content-Length:\r\n",
    "CL underscore": HOST + b"Content-Length: 1_0\r\n",
    "CL of 21 digits": HOST + b"Content-Length: 000000000000000000005\r\n",
    "CL over 64 bits": HOST + b"Content-Length: 99999999999999999999\r\n",
    "CL other digits": HOST + b"Content-Length: \xb2\r\n",
    "TE identity": HOST + b"Transfer-Encoding: identity\r\n",
    "TE gzip, chunked": HOST + b"Transfer-Encoding: gzip, chunked\r\n",
    "TE chunked, gzip": HOST + b"Transfer-Encoding: chunked, gzip\r\n",
    "TE xchunked": HOST + b"Transfer-Encoding: xchunked\r\n",
    "TE empty": HOST + b"Transfer-Encoding:\r\n",
    "TE quoted": HOST + b'Transfer-Encoding: "chunked"\r\n',
    "TE vertical tab": HOST + b"Transfer-Encoding:\x0bchunked\r\n",
    "two TE": HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "TE and TE identity": HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "blank before colon": HOST + b"Content-Length : 5\r\n",
    "tab before colon": HOST + b"Transfer-Encoding\t: chunked\r\n",
    "folded": HOST + b"X: a\r\n b\r\n",
    "folded TE": HOST + b"Transfer-Encoding:\r\n chunked\r\n",
    "blank first": b" X: a\r\n" + HOST,
    "bare LF": HOST + b"X: a\nContent-Length: 5\r\n",
    "bare LF in the end": HOST + b"X: a\n",
    "bare CR": HOST + b"X: a\rContent-Length: 5\r\n",
    "NUL": HOST + b"X: a\0b\r\n",
    "form feed": HOST + b"X: a\x0cb\r\n",
    "no colon": HOST + b"X\r\n",
    "no name": HOST + b": a\r\n",
    "name with blank": HOST + b"X Y: a\r\n",
    "name not ASCII": HOST + b"X\xe9: a\r\n",
    "no Host": b"X: a\r\n",
    "two Hosts": HOST + HOST,
    "two different Hosts": HOST + b"Host: evil.example\r\n",
}

REFUSED_LINES = {
    "no version": b"GET /",
    "HTTP/0.9": b"GET / HTTP/0.9",
    "HTTP/1.2": b"GET / HTTP/1.2",
    "HTTP/2.0": b"GET / HTTP/2.0",
    "HTTP/1.10": b"GET / HTTP/1.10",
    "http/1.1": b"GET / http/1.1",
    "RTSP": b"OPTIONS * RTSP/1.0",
    "ICE": b"SOURCE / ICE/1.0",
    "two blanks": b"GET  / HTTP/1.1",
    "two blanks before the version": b"GET /  HTTP/1.1",
    "tab": b"GET\t/ HTTP/1.1",
    "blank at the end": b"GET / HTTP/1.1 ",
    "blank in the target": b"GET /a b HTTP/1.1",
    "blank first": b" GET / HTTP/1.1",
    "control in the target": b"GET /\x01 HTTP/1.1",
    "DEL in the target": b"GET /\x7f HTTP/1.1",
    "not ASCII in the target": b"GET /\xff HTTP/1.1",
    "bare CR": b"GET /\r HTTP/1.1",
    "no target": b"GET HTTP/1.1",
    "method not a token": b"G(T / HTTP/1.1",
    "method of 65 letters": b"A" * 65 + b" / HTTP/1.1",
    "nothing": b"",
}


@pytest.mark.parametrize("head", ACCEPTED, ids=lambda head: repr(head[:60]))
def test_reads_what_h11_reads(head: bytes) -> None:
    request, expected = ours(head), h11s(head)
    assert isinstance(request, RequestHead)
    assert isinstance(expected, h11.Request)
    assert request.method == expected.method.decode().upper()
    assert request.target == expected.target
    assert request.version.encode() == expected.http_version
    lower = [(n, v.lower() if n == b"transfer-encoding" else v) for n, v in request.headers]
    assert lower == list(expected.headers)


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("line", [b"POST / HTTP/1.1\r\n", b"BREW / HTTP/1.1\r\n"])
def test_refuses_ambiguous_fields(line: bytes, fields: bytes) -> None:
    assert ours(line + fields + b"\r\n") in (400, 501)


@pytest.mark.parametrize("line", REFUSED_LINES.values(), ids=REFUSED_LINES)
def test_refuses_odd_request_lines(line: bytes) -> None:
    assert ours(line + b"\r\n" + HOST + b"\r\n") in (400, 505)


def test_refuses_chunks_in_http_1_0() -> None:
    assert ours(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400


WEBSOCKET = b"GET / HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        WEBSOCKET,
        WEBSOCKET.replace(b"websocket", b"WebSocket"),
        WEBSOCKET.replace(b"Connection: Upgrade", b"Connection: keep-alive, upgrade"),
        b"PRI * HTTP/2.0\r\n\r\n",
    ],
)
def test_leaves_other_protocols_alone(head: bytes) -> None:
    with pytest.raises(UncommonRequest):
        HeadParser().parse(head)


@pytest.mark.parametrize(
    "head",
    [
        WEBSOCKET.replace(b"websocket", b"h2c"),
        WEBSOCKET.replace(b"websocket", b"h2c, websocket"),
        WEBSOCKET.replace(b"websocket\r\n", b"h2c\r\nUpgrade: websocket\r\n"),
        WEBSOCKET.replace(b"GET", b"POST"),
        WEBSOCKET.replace(b"GET", b"BREW"),
        WEBSOCKET.replace(b"HTTP/1.1", b"HTTP/1.0"),
        WEBSOCKET.replace(b"Connection: Upgrade\r\n", b""),
        WEBSOCKET.replace(b"Connection: Upgrade", b"Connection: Upgrade\r\nContent-Length: 2"),
    ],
)
def test_stays_with_those_who_ask_for_what_is_not_spoken(head: bytes) -> None:
    parser = HeadParser()
    assert parser.parse(head).headers
    assert parser.parse(ACCEPTED[0]) == HeadParser().parse(ACCEPTED[0])


def test_is_no_proxy() -> None:
    assert ours(b"CONNECT example.org:443 HTTP/1.1\r\n" + HOST + b"\r\n") == 501


def test_one_parser_reads_request_after_request() -> None:
    parser = HeadParser()
    for head in (ACCEPTED[0], ACCEPTED[11], ACCEPTED[13], ACCEPTED[16], ACCEPTED[0]):
        assert parser.parse(head) == HeadParser().parse(head)


def test_framing() -> None:
    request = HeadParser().parse(ACCEPTED[11])
    assert (request.content_length, request.chunked, request.keep_alive) == (5, False, True)
    assert HeadParser().parse(ACCEPTED[13]).chunked
    assert HeadParser().parse(ACCEPTED[14]).expects_continue
    assert not HeadParser().parse(ACCEPTED[9]).keep_alive
    assert not HeadParser().parse(ACCEPTED[10]).keep_alive
    assert not HeadParser().parse(ACCEPTED[5]).keep_alive


_pieces = st.sampled_from(
    [b"GET", b"POST", b" ", b"/", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b"Host", b":",
     b"Content-Length", b"Transfer-Encoding", b"chunked", b"5", b",", b"\t", b"x", b"\0", b"\x80"]
)  # fmt: skip


@given(
    st.sampled_from([b"GET / HTTP/1.1\r\nHost: a", b"POST /x HTTP/1.0", b""]),
    st.lists(_pieces, max_size=14).map(b"".join),
)
def test_never_laxer_than_h11(start: bytes, middle: bytes) -> None:
    """Whatever we accept, h11 accepts and reads alike, up to the same end."""
    data = start + middle + b"\r\n\r\n"
    head = data[: data.index(b"\r\n\r\n") + 4]
    try:
        request = ours(head)
    except UncommonRequest:
        return
    if isinstance(request, int):
        return
    expected = h11s(head)
    assert isinstance(expected, h11.Request)
    assert request.target == expected.target
    assert [name for name, _ in request.headers] == [name for name, _ in expected.headers]
