"""Fan-out to clients that do not keep up: they are dropped alone, and leave nothing."""

from __future__ import annotations

import asyncio
import socket
import time
import urllib.error
import urllib.request

import pytest

from quickpoll.socketio.fanout import FanOutManager
from tests.integration.fanout_harness import RawClient, Toy, open_polling, poll, toy
from tests.integration.http1_harness import wait_for


def test_a_client_that_stops_reading_is_dropped_alone() -> None:
    drops: list[tuple[str, str]] = []
    manager = FanOutManager(
        max_backlog_bytes=100_000, on_drop=lambda sid, why: drops.append((sid, why))
    )
    with toy(manager) as (server, running):
        clients = [RawClient(running) for _ in range(200)]
        stalled = clients.pop(77)
        stalled.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        most = 0
        delays = []
        for number in range(150):
            started = time.monotonic()
            server.run(manager.send, "big", {"x": "x" * 60_000}, sids=[stalled.sid])
            server.run(manager.send, "tick", {"n": number}, room="all")
            for client in clients:
                assert client.text() == f'42["tick",{{"n":{number}}}]'
            delays.append(time.monotonic() - started)
            most = max(most, *server.run(_backlogs, server))
        assert [sid for sid, _ in drops] == [stalled.sid]
        assert "100000 bytes" in drops[0][1]
        assert most < 200_000
        assert sorted(delays)[-3] < 0.5
        wait_for(lambda: server.run(_clients, server) == 199)
        for client in [stalled, *clients]:
            client.close()


def _backlogs(server: Toy) -> list[int]:
    return [client.queue.backlog for client in server.sio.eio.sockets.values()]


def _clients(server: Toy) -> int:
    return len(server.manager.rooms.get("/", {}).get(None, {}))


def test_a_client_that_stops_polling_is_dropped() -> None:
    drops: list[str] = []
    manager = FanOutManager(max_backlog_packets=50, on_drop=lambda _, why: drops.append(why))
    with toy(manager) as (server, running):
        sid = open_polling(running)
        for number in range(60):
            server.run(manager.send, "tick", {"n": number}, room="all")
        assert drops == ["backlog over 50 packets"]
        wait_for(lambda: server.run(_clients, server) == 0)
        with pytest.raises(urllib.error.HTTPError, match="400") as refusal:
            poll(running, sid)
        refusal.value.close()


def test_coming_and_going_leaves_nothing() -> None:
    with toy(FanOutManager()) as (server, running):
        first = RawClient(running)
        tasks = server.run(lambda: len(asyncio.all_tasks()))
        for _ in range(5):
            clients = [RawClient(running) for _ in range(20)]
            server.run(server.manager.send, "a", {}, room="all")
            for client in clients:
                client.close()
        wait_for(lambda: server.run(_clients, server) == 1)
        wait_for(lambda: len(server.sio.eio.sockets) == 1)
        # Each client leaves Engine.IO's sleeping ping behind, for one interval.
        wait_for(lambda: server.run(lambda: len(asyncio.all_tasks())) <= tasks + 100)
        assert len(server.manager.rooms["/"]["all"]) == 1
        first.close()
