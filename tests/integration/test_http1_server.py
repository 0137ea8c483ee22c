"""Our HTTP/1.1 under a real Hypercorn, over real sockets, next to Hypercorn's own."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.integration.http1_harness import (
    GET,
    LAST,
    POST,
    Running,
    read_all,
    read_until,
    serving,
    wait_for,
)

CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(params=["asyncio", "uvloop"])
def ours(request: pytest.FixtureRequest) -> Iterator[Running]:
    with serving(fast=True, loop=request.param) as running:
        yield running


# The same bytes as Hypercorn's own parser, whatever is asked

CONVERSATIONS = {
    "one": LAST % b"/a%20b?c=%20d",
    "keep-alive": GET % b"/" + LAST % b"/",
    "pipelined": GET % b"/1" + POST % (b"/2", 3, b"abc") + GET % b"/chunks" + LAST % b"/4",
    "content-length": POST % (b"/", 5, b"hello") + LAST % b"/",
    "chunked body": CHUNKED + b"5\r\nhello\r\n3;x=y\r\n...\r\n0\r\nT: x\r\n\r\n" + LAST % b"/",
    "chunked answer": LAST % b"/chunks",
    "asks for chunks": LAST % b"/asks-for-chunks",
    "expect": b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    b"Content-Length: 2\r\nConnection: close\r\n\r\n",
    "HEAD": b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + LAST % b"/",
    "HEAD of chunks": b"HEAD /chunks HTTP/1.1\r\nHost: a\r\n\r\n" + LAST % b"/",
    "204": GET % b"/no-content" + LAST % b"/",
    "304": GET % b"/not-modified" + LAST % b"/",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "HTTP/1.0 keep-alive": b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/1.0 chunks": b"GET /chunks HTTP/1.0\r\n\r\n",
    "HTTP/1.0 asks for chunks": b"GET /asks-for-chunks HTTP/1.0\r\n\r\n",
    "app closes": GET % b"/close",
    "app closes, client too": LAST % b"/close",
    "app raises": GET % b"/raises",
    "app raises late": GET % b"/raises-late",
    "app is silent": GET % b"/silent",
    "early, body complete": POST % (b"/early", 3, b"abc") + LAST % b"/",
    "unknown method": b"BREW /pot HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "malformed": b"nonsense\r\n\r\n",
    "malformed second": GET % b"/" + b"nonsense\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "odd transfer coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "header too long": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000,
    "bad chunk": CHUNKED + b"zz\r\n",
}


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, bool, str], bytes]:
    """Each conversation with Hypercorn's own parser and ours, with and without own headers."""
    result = {}
    for fast in (False, True):
        for headers in ("server", "bare"):
            with serving(fast=fast, include_server_header=headers == "server") as running:
                for name, data in CONVERSATIONS.items():
                    result[name, fast, headers] = _converse(running, data)
    return result


def _converse(running: Running, data: bytes) -> bytes:
    if b"Expect" not in data:
        return running.talk(data)
    with running.connect() as client:
        client.sendall(data)
        told = read_until(client, b"\r\n\r\n")
        client.sendall(b"ok")
        return told + read_all(client)


@pytest.mark.parametrize("headers", ["server", "bare"])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_answers_as_hypercorn_does(
    answers: dict[tuple[str, bool, str], bytes], name: str, headers: str
) -> None:
    hypercorns = with_phrases(answers[name, False, headers])
    assert answers[name, True, headers] == hypercorns
    assert hypercorns.startswith(b"HTTP/1.1 ")


def with_phrases(answers: bytes) -> bytes:
    """Hypercorn leaves the phrase of a status line out."""
    line = re.compile(rb"HTTP/1\.1 (\d+) \r\n")
    return line.sub(lambda found: b"HTTP/1.1 %b %b\r\n" % (found[1], phrase(found[1])), answers)


def phrase(status: bytes) -> bytes:
    return HTTPStatus(int(status)).phrase.encode()


def test_scope_as_hypercorn_makes_it() -> None:
    request = (
        b"POST /a%20b%C3%A9?x=%20&y HTTP/1.1\r\nHoSt:  a \r\nX-Two: 1\r\nx-two: 2\t\r\n"
        b"Connection: close\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"
    )
    seen = []
    for fast in (False, True):
        with serving(fast=fast, root_path="/root") as running:
            running.talk(request)
            seen += running.seen
    assert seen[0] == seen[1]


# Requests

HOSTILE = {
    "CL and TE": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "two CL": b"Content-Length: 1\r\nContent-Length: 2\r\n",
    "folded": b"X: a\r\n b\r\n",
    "blank before colon": b"Content-Length : 5\r\n",
    "bare LF": b"X: a\nY: b\r\n",
    "two Hosts": b"Host: b\r\n",
}


@pytest.mark.parametrize("fields", HOSTILE.values(), ids=HOSTILE)
def test_hostile_requests_end_the_connection(ours: Running, fields: bytes) -> None:
    hidden = GET % b"/hidden"
    answer = ours.talk(b"POST / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n" + hidden)
    assert answer == b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n" + (
        b"server: hypercorn-h11\r\n\r\n"
    )
    assert ours.seen == []


def test_bare_line_feeds_are_refused_at_once(ours: Running) -> None:
    assert ours.talk(b"GET / HTTP/1.1\nHost: a\n\n").startswith(b"HTTP/1.1 400 ")


def test_byte_by_byte(ours: Running) -> None:
    with ours.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in POST % (b"/", 5, b"hello") + CHUNKED + b"2\r\nhi\r\n0\r\n\r\n" + LAST % b"/z":
            client.sendall(bytes([byte]))
            time.sleep(0.0005)
        answer = read_all(client)
    assert answer.count(b"HTTP/1.1 200") == 3
    assert b"POST / b'' 5 hello" in answer
    assert b"POST / b'' 2 hi" in answer


def test_pipelined_answers_come_in_order(ours: Running) -> None:
    count = 500
    requests = b"".join(POST % (b"/%d" % n, 2, b"ab") for n in range(count))
    answer = ours.talk(requests + LAST % b"/end")
    places = [answer.index(b"POST /%d b'' 2 ab" % n) for n in range(count)]
    assert places == sorted(places)
    assert [scope["path"] for scope in ours.seen] == [f"/{n}" for n in range(count)] + ["/end"]


def test_a_large_body_waits_outside_until_it_is_read(ours: Running) -> None:
    size = 64 << 20
    with ours.connect(0.5) as client:
        client.sendall(
            b"POST /slow-reader HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
        )
        sent, block = 0, bytes(1 << 16)
        with contextlib.suppress(TimeoutError):
            while sent < size:
                sent += client.send(block)
        assert sent < size / 2  # socket buffers and one high-water mark, not the body
        ours.release.set()
        client.settimeout(10)
        while sent < size:
            sent += client.send(block[: size - sent])
        assert b"POST /slow-reader b'' %d" % size in client.recv(65_536)


def test_a_slow_client_holds_up_the_application(ours: Running) -> None:
    with ours.connect() as client:
        client.sendall(LAST % b"/big")
        wait_for(lambda: "part 0" in ours.events)
        time.sleep(0.3)
        assert len(ours.events) < 32
        assert len(read_all(client)) > 64 << 20
    assert len(ours.events) == 64


def test_continue_is_sent_once_the_application_reads(ours: Running) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    with ours.connect() as client:
        client.sendall(head % b"/")
        assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.sendall(b"hello")
        assert read_until(client, b"hello").startswith(b"HTTP/1.1 200 ")
        client.sendall(head % b"/early")  # refused: the body must never be sent
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer


# Answers before the body has come


def test_an_early_answer_keeps_the_connection(ours: Running) -> None:
    size = 900_000
    with ours.connect() as client:
        client.sendall(POST % (b"/early", size, b"x" * 1000))
        assert b"close" not in read_until(client, b"too large")
        client.sendall(b"x" * (size - 1000) + LAST % b"/next")
        assert b"GET /next" in read_all(client)


def test_an_early_answer_to_a_huge_body_says_that_it_closes(ours: Running) -> None:
    size = 8 << 20
    with ours.connect() as client:
        client.sendall(POST % (b"/early", size, b""))
        wait_for(lambda: bool(ours.seen))
        for _ in range(8):  # a client that reads only when it has sent everything
            client.sendall(bytes(1 << 20))
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close\r\n" in answer
    assert answer.endswith(b"too large")


def test_an_early_answer_to_chunks_says_that_it_closes(ours: Running) -> None:
    with ours.connect() as client:
        client.sendall(CHUNKED.replace(b" / ", b" /early ") + b"5\r\nhello\r\n")
        answer = read_until(client, b"too large")
        assert b"connection: close\r\n" in answer
        client.sendall(b"0\r\n\r\n")
        assert read_all(client) == b""


def test_a_client_that_sends_no_end_is_not_waited_for(
    ours: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quickpoll.foundation.http1.limits.DRAIN_SECONDS", 0.2)
    with ours.connect() as client:
        client.sendall(POST % (b"/early", 1000, b"x"))
        started = time.monotonic()
        assert read_all(client).endswith(b"too large")
        assert time.monotonic() - started < 3


# Answers


def test_header_injection_is_a_500(ours: Running) -> None:
    answer = ours.talk(GET % b"/injects")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"evil" not in answer


def test_too_long_a_body_ends_the_connection(ours: Running) -> None:
    assert b"2345" not in ours.talk(GET % b"/too-long")


def test_receive_tells_of_the_end_after_the_answer(ours: Running) -> None:
    ours.talk(LAST % b"/after")
    wait_for(lambda: ours.events == ["http.disconnect"])


def test_a_client_that_goes_in_the_middle_of_its_answer(ours: Running) -> None:
    with ours.connect() as client:
        client.sendall(GET % b"/big")
        client.recv(1000)
    wait_for(lambda: "part 63" in ours.events)  # the application ends; nothing is stuck


def test_hosts_that_are_not_ours() -> None:
    with serving(fast=True, server_names=["example.org"]) as running:
        assert running.talk(GET % b"/").startswith(b"HTTP/1.1 404 ")
        ours = b"GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"
        assert running.talk(ours).startswith(b"HTTP/1.1 200 ")


def test_the_date_is_sent_where_it_is_wanted() -> None:
    with serving(fast=True, include_date_header=True) as running:
        answer = running.talk(LAST % b"/")
    assert b"\r\ndate: " in answer
    assert b" GMT\r\n" in answer
