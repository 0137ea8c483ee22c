"""Fan-out under a real Hypercorn, with real clients: the same events for all."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

import pytest
import socketio

from quickpoll.socketio import fanout
from quickpoll.socketio.fanout import FanOutManager
from tests.integration.fanout_harness import PATH, TICKS, RawClient, open_polling, poll, toy


def conversation(manager: FanOutManager | None) -> list[bytes]:
    """What a WebSocket client is sent, byte by byte, for emits of every kind."""
    with toy(manager) as (server, running):
        client = RawClient(running)
        with contextlib.closing(client):
            emit = server.sio.emit
            server.run(emit, "text", "plain", room="all")
            server.run(emit, "object", {"a": [1, None, True], "b": "é"}, to=client.sid)
            server.run(emit, "many", (1, "two", {"three": 3}))
            server.run(emit, "nothing", None, to=[client.sid, client.sid])
            server.run(emit, "long", "x" * 70_0, room="all")
            server.run(emit, "skipped", 1, skip_sid=client.sid)
            server.run(emit, "nobody", 1, room="empty")
            server.run(emit, "call back", 1, to=client.sid, callback=lambda: None)
            server.run(emit, "binary", b"\0\1", to=client.sid)
            client.send('421["echo","acknowledged"]')
            return [client.frame() for _ in range(9)]


def test_both_ways_deliver_the_same_bytes() -> None:
    assert conversation(FanOutManager()) == conversation(None)


def test_long_polling_gets_the_same_events() -> None:
    with toy(FanOutManager()) as (server, running):
        sid = open_polling(running)
        assert server.run(server.manager.send, "vote", {"n": 1}, room="all") == 1
        server.run(server.sio.emit, "vote", {"n": 2}, room="all")
        assert poll(running, sid) == '42["vote",{"n":1}]\x1e42["vote",{"n":2}]'


def test_send_counts_its_recipients() -> None:
    with toy(FanOutManager()) as (server, running):
        clients = [RawClient(running) for _ in range(3)]
        send = server.manager.send
        assert server.run(send, "a", {}, room="all") == 3
        assert server.run(send, "b", {}) == 3
        assert server.run(send, "c", {}, sids=[clients[0].sid, "gone"]) == 1
        assert server.run(send, "d", {}, room="empty") == 0
        assert server.run(send, "e", {}, namespace="/other") == 0
        assert [clients[0].text() for _ in range(3)] == ['42["a",{}]', '42["b",{}]', '42["c",{}]']
        assert [clients[1].text() for _ in range(2)] == ['42["a",{}]', '42["b",{}]']
        for client in clients:
            client.close()


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
@pytest.mark.parametrize("fast_http", [True, False])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_nothing_is_lost_doubled_or_out_of_order(
    transports: list[str], fast_http: bool, loop: str
) -> None:
    """Ticks run from the first moment on, over the upgrade, with acknowledgements in between."""
    if sys.version_info >= (3, 12) and loop == "asyncio" and not fast_http:
        # From 3.12 on, Server.wait_closed() waits for every connection, and Hypercorn's own
        # protocol, on asyncio's own loop, waits for it before it ends them.
        pytest.skip("Hypercorn 0.18 stops only once its last client has gone")
    with toy(FanOutManager(), fast_http=fast_http, loop=loop) as (_, running):
        clients = [socketio.AsyncClient() for _ in range(5)]
        seen: list[list[int]] = [[] for _ in clients]
        for client, numbers in zip(clients, seen, strict=True):
            client.on("tick", lambda data, numbers=numbers: numbers.append(data["n"]))
            await client.connect(
                f"http://127.0.0.1:{running.port}",
                socketio_path=PATH,
                transports=transports,
                auth="ticks",
            )
        for number in range(20):
            for client in clients:
                assert await client.call("echo", number, timeout=5) == number
        deadline = time.monotonic() + 10
        while any(len(n) < TICKS for n in seen) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert seen == [list(range(TICKS))] * len(clients)
        assert {client.transport() for client in clients} == {transports[-1]}
        leaving = [asyncio.create_task(client.disconnect()) for client in clients]
        await asyncio.sleep(0.05)
    # Engine.IO lets the last poll of a client that leaves run out; the server's end ends it.
    await asyncio.wait_for(asyncio.gather(*leaving), 5)


def test_compression_is_refused() -> None:
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    with toy(FanOutManager()) as (server, running):
        client = RawClient(running, offer)
        assert b"permessage-deflate" not in client.handshake
        server.run(server.manager.send, "a", {}, room="all")
        assert client.text() == '42["a",{}]'
        client.close()


def test_a_client_that_gets_events_only_stays() -> None:
    """Engine.IO's writer must hear of the client now and then, whoever writes the events."""
    with toy(FanOutManager(), ping_interval=0.2, ping_timeout=0.2) as (server, running):
        client = RawClient(running)
        until = time.monotonic() + 1.5
        pings = 0
        while time.monotonic() < until:
            server.run(server.manager.send, "a", {}, room="all")
            while (text := client.text()) == "2":
                pings += 1
                client.send("3")
            assert text == '42["a",{}]'
        assert pings >= 3
        client.close()


def test_unknown_versions_are_served_by_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "known_versions", lambda: False)
    with toy(FanOutManager()) as (server, running):
        client = RawClient(running)
        assert type(server.sio.eio.create_queue()) is asyncio.Queue
        assert server.run(server.manager.send, "a", {"n": 1}, room="all") == 1
        assert client.text() == '42["a",{"n":1}]'
        server.run(server.sio.emit, "b", 2, room="all")
        assert client.text() == '42["b",2]'
        client.close()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_client_that_stays_to_the_end_leaves_no_traceback(
    loop: str, caplog: pytest.LogCaptureFixture
) -> None:
    with toy(FanOutManager(), loop=loop) as (_, running):
        clients = [RawClient(running) for _ in range(3)]
    for client in clients:
        client.close()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
