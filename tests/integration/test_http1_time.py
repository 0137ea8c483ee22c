"""Every connection has an end by time, and half of one still gets its answer."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

import pytest

from quickpoll.foundation.http1 import limits
from tests.integration.http1_harness import (
    GET,
    LAST,
    POST,
    Running,
    read_all,
    read_answer,
    read_until,
    serving,
    wait_for,
)

TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n"


@pytest.fixture(params=["asyncio", "uvloop"])
def ours(request: pytest.FixtureRequest) -> Iterator[Running]:
    with serving(fast=True, loop=request.param) as running:
        yield running


# Heads


def test_a_head_has_ten_seconds() -> None:
    assert limits.HEAD_SECONDS == 10


@pytest.mark.parametrize("before", [b"", GET % b"/first", b"\r\n"], ids=["new", "used", "CRLF"])
def test_a_head_that_trickles_in_is_answered_and_cut_off(
    ours: Running, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.3)
    with ours.connect() as client:
        client.sendall(before)
        if before.strip():
            read_answer(client)
        client.sendall(b"GET / HTTP/1.1\r\n")
        lines = 0
        while not select.select([client], [], [], 0.05)[0]:
            client.sendall(b"X: a\r\n")
            lines += 1
            assert lines < 50
        assert read_all(client).startswith(TIMEOUT)
    assert len(ours.seen) == bool(before.strip())


def test_a_head_within_its_time_is_served(ours: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 1.0)
    with ours.connect() as client:
        for _ in range(3):  # each has its own
            for part in (b"GET / HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n"):
                client.sendall(part)
                time.sleep(0.15)
            assert read_answer(client).startswith(b"HTTP/1.1 200 OK\r\n")


def test_an_idle_connection_is_closed_without_a_word() -> None:
    """An answer that nobody asked for would be taken for that of the next request."""
    for sent in (b"", b"\r\n", b"\r"):
        with serving(fast=True, keep_alive_timeout=0.3) as running, running.connect() as client:
            client.sendall(sent)
            assert read_all(client) == b""


# Empty lines before a request line (RFC 9112, 2.2): bytes, status

LINES = {
    "one": (b"\r\n" + LAST % b"/", 200),
    "several": (b"\r\n\r\n\r\n" + LAST % b"/", 200),
    "after a body": (POST % (b"/", 2, b"ab") + b"\r\n" + LAST % b"/", 200),
    "bare LF": (b"\n" + LAST % b"/", 400),
    "bare CR": (b"\r" + LAST % b"/", 400),
    "CR CR LF": (b"\r\r\n" + LAST % b"/", 400),
    "LF CR": (b"\n\r" + LAST % b"/", 400),
    "blank": (b" " + LAST % b"/", 400),
    "blank in the line": (b"\r\n " + LAST % b"/", 400),
    "tab": (b"\t\r\n" + LAST % b"/", 400),
    "NUL": (b"\0" + LAST % b"/", 400),
    "more than a head": (b"\r\n" * 9_000 + LAST % b"/", 200),
}


@pytest.mark.parametrize("pause", [0.0, 0.02], ids=["at once", "in pieces"])
@pytest.mark.parametrize("name", LINES)
def test_empty_lines(ours: Running, name: str, pause: float) -> None:
    data, status = LINES[name]
    with ours.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cuts = (1, 2, 3, 4) if pause else ()
        for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
            client.sendall(data[start:end])
            time.sleep(pause)
        answers = read_all(client)
    assert answers.rpartition(b"HTTP/1.1 ")[2].startswith(b"%d " % status)


# Clients that close their side (RFC 9293, 3.6)


@pytest.mark.parametrize("pause", [0.0, 0.05], ids=["at once", "later"])
def test_a_client_that_has_closed_its_side_is_answered(ours: Running, pause: float) -> None:
    with ours.connect() as client:
        client.sendall(POST % (b"/1", 5, b"hello") + GET % b"/2" + GET % b"/chunks")
        time.sleep(pause)
        client.shutdown(socket.SHUT_WR)
        answers = read_all(client)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert answers.endswith(b"0\r\n\r\n")


def test_a_request_in_hand_is_answered_to_half_a_connection(ours: Running) -> None:
    with ours.connect() as client:
        client.sendall(GET % b"/held")
        wait_for(lambda: "held" in ours.events)
        client.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        ours.release.set()
        answer = read_all(client)
    assert answer.endswith(b"released")
    assert b"connection: close\r\n" in answer


@pytest.mark.parametrize(
    "half", [b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n", POST % (b"/until-gone", 5, b"he")]
)
def test_half_a_request_is_no_request(ours: Running, half: bytes) -> None:
    with ours.connect() as client:
        client.sendall(half)
        if half.startswith(b"POST"):
            wait_for(lambda: "held" in ours.events)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_whoever_closes_its_side_and_asks_nothing_is_gone(ours: Running) -> None:
    for before in (b"", GET % b"/", b"\r\n"):
        with ours.connect() as client:
            client.sendall(before)
            if before.strip():
                read_answer(client)
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b""


def test_the_application_hears_that_the_client_has_gone(
    ours: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HALF_CLOSED_SECONDS", 0.1)
    with ours.connect() as client:
        client.sendall(GET % b"/until-gone")
        wait_for(lambda: "held" in ours.events)
    wait_for(lambda: "disconnected" in ours.events)


def test_the_application_hears_at_once_of_a_reset(ours: Running) -> None:
    with ours.connect() as client:
        client.sendall(GET % b"/until-gone")
        wait_for(lambda: "held" in ours.events)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wait_for(lambda: "disconnected" in ours.events)


# Clients that do not read


@pytest.mark.parametrize(("path", "end"), [(b"/big", "part 63"), (b"/large", "ended")])
def test_a_client_that_takes_nothing_is_cut_off(
    ours: Running, monkeypatch: pytest.MonkeyPatch, path: bytes, end: str
) -> None:
    """Whether the application waits for it, or is done and only the connection remains."""
    monkeypatch.setattr(limits, "STALLED_SECONDS", 0.2)
    with ours.connect() as client:
        client.sendall(LAST % path)
        wait_for(lambda: end in ours.events, 10)


def test_a_client_that_takes_a_little_is_not(
    ours: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STALLED_SECONDS", 0.2)
    with ours.connect() as client:
        client.sendall(LAST % b"/large")
        size = 0
        while part := client.recv(1 << 16):
            size += len(part)
            time.sleep(0.01)
    assert size > 16 << 20


# Idle, held, silent


def test_an_idle_connection_is_closed() -> None:
    with serving(fast=True, keep_alive_timeout=0.3) as running, running.connect() as client:
        client.sendall(GET % b"/")
        started = time.monotonic()
        assert b"200" in read_all(client)
        assert 0.25 < time.monotonic() - started < 2


def test_a_held_request_outlives_the_idle_time() -> None:
    with serving(fast=True, keep_alive_timeout=0.1) as running, running.connect() as client:
        client.sendall(GET % b"/held")
        time.sleep(0.5)
        running.release.set()
        assert read_until(client, b"released")


def test_silence_within_a_request_is_cut_off() -> None:
    with serving(fast=True, read_timeout=0.2) as running, running.connect() as client:
        client.sendall(POST % (b"/", 100, b"half"))
        started = time.monotonic()
        read_all(client)
        assert time.monotonic() - started < 2
        wait_for(lambda: "disconnected" in running.events)


def test_a_bounded_number_of_requests() -> None:
    with serving(fast=True, keep_alive_max_requests=3) as running:
        answer = running.talk((GET % b"/") * 5)
    assert answer.count(b"HTTP/1.1 200") == 3
    assert answer.count(b"connection: close") == 1
