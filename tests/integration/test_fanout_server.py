"""Fan-out under a real Hypercorn, with real clients: the same events for all, none held up."""

import asyncio
import base64
import contextlib
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import socketio

from quickpoll.socketio import fanout
from quickpoll.socketio.fanout import FanOutManager
from tests.integration.http1_harness import Running, read_until, serving, wait_for

PATH = "/ws/updates"
TICKS = 300


class Toy:
    """A Socket.IO application: a room of everybody, an echo, and ticks to whoever connects."""

    def __init__(self, manager: FanOutManager | None, **settings: Any) -> None:
        self.sio = socketio.AsyncServer(async_mode="asgi", client_manager=manager, **settings)
        self.app = socketio.ASGIApp(self.sio, socketio_path=PATH)
        self.manager = self.sio.manager
        self.sids: list[str] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.sio.on("connect", self.connect)
        self.sio.on("echo", self.echo)
        self.sio.on("ticks", self.ticks)

    async def connect(self, sid: str, environ: Any, auth: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.sids.append(sid)
        await self.sio.enter_room(sid, "all")
        if auth == "ticks":
            self.sio.start_background_task(self.ticks, sid, TICKS, 0.001)

    async def echo(self, sid: str, data: Any) -> Any:
        return data

    async def ticks(self, sid: str, count: int, gap: float) -> None:
        """Numbered events, every other one by each of the two ways to send."""
        while not self.manager.is_connected(sid, "/"):  # noqa: ASYNC110 (as the service does)
            await asyncio.sleep(0)
        for number in range(count):
            if number % 2 and isinstance(self.manager, FanOutManager):
                self.manager.send("tick", {"n": number}, sids=[sid])
            else:
                await self.sio.emit("tick", {"n": number}, to=sid)
            await asyncio.sleep(gap)

    def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call ``function`` in the server's thread."""

        async def call() -> Any:
            result = function(*args, **kwargs)
            return await result if asyncio.iscoroutine(result) else result

        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(10)


@contextlib.contextmanager
def toy(
    manager: FanOutManager | None, *, fast_http: bool = True, loop: str = "uvloop", **settings: Any
) -> Iterator[tuple[Toy, Running]]:
    application = Toy(manager, **settings)
    with serving(fast=fast_http, loop=loop, app=application.app, graceful_timeout=0.2) as running:
        yield application, running


class RawClient:
    """A WebSocket client that shows every frame as it came."""

    def __init__(self, running: Running, extensions: bytes = b"") -> None:
        self.socket = running.connect()
        key = base64.b64encode(os.urandom(16))
        self.socket.sendall(
            b"GET %s/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n"
            % (PATH.encode(), key, extensions)
        )
        self.handshake = read_until(self.socket, b"\r\n\r\n")
        assert self.handshake.startswith(b"HTTP/1.1 101 ")
        self.frame()  # OPEN
        self.send("40")
        self.sid = json.loads(self.text()[2:])["sid"]

    def send(self, text: str) -> None:
        assert len(text) < 126
        mask = b"\0\0\0\0"
        self.socket.sendall(bytes((0x81, 0x80 | len(text))) + mask + text.encode())

    def frame(self) -> bytes:
        head = self.exactly(2)
        length = head[1]
        if length == 126:
            head += self.exactly(2)
            length = int.from_bytes(head[2:], "big")
        return head + self.exactly(length)

    def text(self) -> str:
        frame = self.frame()
        return frame[4 if frame[1] == 126 else 2 :].decode()

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            assert part, "closed"
            data += part
        return data

    def close(self) -> None:
        self.socket.close()


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


def poll(running: Running, sid: str, body: bytes | None = None) -> str:
    url = f"http://127.0.0.1:{running.port}{PATH}/?EIO=4&transport=polling&sid={sid}"
    with urllib.request.urlopen(url, data=body, timeout=5) as response:
        text: str = response.read().decode()
        return text


def open_polling(running: Running) -> str:
    """The Engine.IO id of a long-polling client that has connected."""
    url = f"http://127.0.0.1:{running.port}{PATH}/?EIO=4&transport=polling"
    with urllib.request.urlopen(url, timeout=5) as response:
        sid: str = json.loads(response.read()[1:])["sid"]
    poll(running, sid, b"40")
    assert poll(running, sid).startswith("40")
    return sid


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


# Clients that do not keep up


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


# Libraries that are not the known ones


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
