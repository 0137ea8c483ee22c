"""The end of a server: whoever asked is answered, whoever comes later finds the door closed."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator

import pytest

from quickpoll.foundation.http1 import limits, listening
from tests.integration.http1_harness import (
    GET,
    LAST,
    POST,
    Running,
    read_all,
    read_answer,
    serving,
    wait_for,
)


@pytest.fixture(params=["asyncio", "uvloop"])
def ours(request: pytest.FixtureRequest) -> Iterator[Running]:
    with serving(fast=True, loop=request.param) as running:
        yield running


def test_a_request_in_hand_is_answered_and_idle_ones_closed(ours: Running) -> None:
    with ours.connect() as idle, ours.connect() as busy:
        idle.sendall(GET % b"/")
        read_answer(idle)
        busy.sendall(GET % b"/held")
        wait_for(lambda: "held" in ours.events)
        ours.stop()
        assert idle.recv(10) == b""
        busy.sendall(GET % b"/not-read")
        ours.release.set()
        answer = read_all(busy)
    assert answer.count(b"HTTP/1.1") == 1
    assert b"connection: close\r\n" in answer
    assert answer.endswith(b"released")
    assert "/not-read" not in [scope["path"] for scope in ours.seen]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_what_is_not_done_in_time_is_cancelled(loop: str) -> None:
    with (
        serving(fast=True, loop=loop, graceful_timeout=0.3) as running,
        running.connect() as client,
    ):
        client.sendall(GET % b"/forever")
        wait_for(lambda: "held" in running.events)
        running.stop()
        started = time.monotonic()
        assert read_all(client) == b""
        assert time.monotonic() - started < 2
    if loop == "uvloop":  # asyncio's server may end its wait with the connections, in 3.12 on
        assert running.events == ["held", "cancelled", "shutdown"]


@pytest.mark.parametrize("sent", [True, False], ids=["request sent", "request on its way"])
def test_who_waits_to_be_accepted_is_answered(ours: Running, sent: bool) -> None:
    """Connections that the kernel has made while the service had no time for them."""
    with ours.connect() as first, contextlib.ExitStack() as stack:
        first.sendall(GET % b"/blocks")
        wait_for(lambda: "blocked" in ours.events)
        # Hypercorn's own backlog is 100.
        clients = [stack.enter_context(ours.connect()) for _ in range(90)]
        if sent:
            for client in clients:
                client.sendall(GET % b"/in-the-queue")
        ours.stop()
        ours.release.set()
        if not sent:
            wait_for(lambda: refused(ours))
            for client in clients:
                client.sendall(GET % b"/in-the-queue")
        answers = [read_all(client) for client in clients]
        assert b"unblocked" in read_all(first)
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def refused(running: Running) -> bool:
    try:
        with running.connect(0.2):
            return False
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False


def test_a_closed_door_refuses_and_does_not_hang(ours: Running) -> None:
    with ours.connect() as held:
        held.sendall(GET % b"/held")
        wait_for(lambda: "held" in ours.events)
        ours.stop()
        wait_for(lambda: refused(ours))
        started = time.monotonic()
        assert refused(ours)
        assert time.monotonic() - started < 0.1
        ours.release.set()
        assert read_all(held).endswith(b"released")


def test_nobody_joins_a_queue_that_is_being_emptied() -> None:
    """Only those in the queue before are accepted, however long that takes."""
    with socket.create_server(("127.0.0.1", 0), backlog=10) as door:
        address = door.getsockname()
        with socket.create_connection(address, 1) as early:
            listening.refuse_new(door)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, 0.3)
            accepted, _ = door.accept()
            with accepted:
                early.sendall(b"hello")
                assert accepted.recv(10) == b"hello"
            door.setblocking(False)
            with pytest.raises(BlockingIOError):
                door.accept()


def test_what_came_while_the_loop_was_busy_is_read_before_an_idle_connection_is_closed(
    ours: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FIRST_CALL_SECONDS", 1.0)
    monkeypatch.setattr(limits, "LAST_CALL_SECONDS", 1.0)
    with ours.connect() as busy, ours.connect() as used, ours.connect() as new:
        used.sendall(GET % b"/")
        read_answer(used)
        busy.sendall(GET % b"/held")
        wait_for(lambda: "held" in ours.events)
        ours.stop()
        wait_for(lambda: refused(ours))
        ours.block(1.5)
        for client in (used, new):
            client.sendall(GET % b"/late")
        assert read_all(used).startswith(b"HTTP/1.1 200 OK\r\n")
        assert read_all(new).startswith(b"HTTP/1.1 200 OK\r\n")
        ours.release.set()


def test_an_early_answer_arrives_though_the_server_stops(ours: Running) -> None:
    with ours.connect() as client:
        client.sendall(POST % (b"/held", 500_000, bytes(1_000)))
        wait_for(lambda: "held" in ours.events)
        ours.stop()
        wait_for(lambda: refused(ours))
        ours.release.set()
        client.sendall(bytes(499_000))
        answer = b""
        while part := client.recv(65_536):  # and not reset
            answer += part
    assert answer.endswith(b"released")


def test_a_door_that_somebody_else_holds_stays_open() -> None:
    """A service manager's socket: whoever comes while the service is restarted waits there."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = door.getsockname()
        with serving(fast=True, bind=[f"fd://{os.dup(door.fileno())}"]) as running:
            running.port = address[1]
            assert running.talk(LAST % b"/").startswith(b"HTTP/1.1 200 OK\r\n")
        with socket.create_connection(address, 1) as early:
            early.sendall(LAST % b"/")
            with serving(fast=True, bind=[f"fd://{os.dup(door.fileno())}"]):
                assert read_all(early).startswith(b"HTTP/1.1 200 OK\r\n")
