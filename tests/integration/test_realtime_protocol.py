"""Clients that do not speak the protocol, stop in the middle of it, or do not keep up."""

from __future__ import annotations

import asyncio
import gc
import json
from secrets import token_hex

import httpx
import pytest
import websockets

from quickpoll.socketio.outbox import Outbox
from tests.builders import create_poll, vote
from tests.conftest import sign
from tests.integration.live_contract import example
from tests.integration.realtime_harness import Live

address = "/ws/updates/?EIO=4&transport=polling"


deep = "[" * 5_000

strange = [
    "",
    "4",
    "x",
    "7",
    "4x",
    "4é",
    "49",
    "42",
    "42[]",
    "42{}",
    "42[7]",
    '42["connect",{"HTTP_AUTHORIZATION":"Bearer x"},{"token":"x"}]',
    '42["disconnect"]',
    '42["*"]',
    '42["subscribe"',
    '42[{"a":1}]',
    f"42{deep}",
    f"4{deep}",
    f"3{deep}",
    '451-["subscribe",{"_placeholder":true,"num":0}]',
    "bAAAA",
    "40/other,{",
]


an_update = example("vote-update")


@pytest.mark.parametrize("packet", strange, ids=lambda packet: packet[:12])
async def test_strange_packets_harm_nobody_and_fill_no_log(
    live: Live, packet: str, capfd: pytest.CaptureFixture[str]
) -> None:
    other, screen = await live.screen(), await live.screen()
    await screen.send(packet)
    await asyncio.wait_for(screen.ended.wait(), 5)
    assert (await other.subscribe())["polls"] == []
    assert len(live.services.audience) == 1
    assert "Traceback" not in capfd.readouterr().err


async def test_binary_and_huge_messages_end_the_connection(live: Live) -> None:
    for message in (b"\4binary", "42" + json.dumps(["subscribe", "x" * 70_000])):
        screen = await live.screen()
        await screen.socket.send(message)
        await asyncio.wait_for(screen.ended.wait(), 5)


async def test_strange_bodies_are_refused(
    live: Live, rest: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    async def post(body: bytes) -> int:
        opened = (await rest.get(address)).text
        session = json.loads(opened[1:])["sid"]
        return (await rest.post(f"{address}&sid={session}", content=body)).status_code

    for packet in strange:
        if packet.startswith(("42", "40")):  # readable: looked at later, and then hung up on
            assert await post(packet.encode()) == 200
        else:
            assert await post(packet.encode()) == 400
    assert await post(b"\xff\xfe") == 400
    assert await post(b"\x1e".join([b"3"] * 129)) == 400
    assert await post(b"4" * 70_000) == 413
    assert "Traceback" not in capfd.readouterr().err


async def test_unknown_sessions_and_transports_are_refused(rest: httpx.AsyncClient) -> None:
    for query in ("&sid=none", "", "&transport=carrier-pigeon"):
        path = "/ws/updates/?EIO=4" + query
        assert (await rest.post(path, content=b"40")).status_code == 400
    assert (await rest.get("/ws/updates/?EIO=3&transport=polling")).status_code == 400
    assert (await rest.put(address)).status_code == 405


@pytest.mark.parametrize("packet", ["2probe", "5", "3"])
async def test_a_failed_upgrade_leaves_the_session_polling(
    live: Live, rest: httpx.AsyncClient, packet: str
) -> None:
    session = json.loads((await rest.get(address)).text[1:])["sid"]
    upgrade = await live.open(f"&sid={session}")
    await upgrade.send(packet)
    await upgrade.close()
    while live.services.sio.eio.sockets[session].upgrading:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    token = json.dumps({"token": sign()})
    await rest.post(f"{address}&sid={session}", content=f"40{token}".encode())
    while True:
        answer = (await rest.get(f"{address}&sid={session}")).text
        if answer != "6":
            break
    assert "40{" in answer


async def test_events_are_written_to_the_socket_itself_and_not_compressed(live: Live) -> None:
    offered = f"ws://127.0.0.1:{live.port}/ws/updates/?EIO=4&transport=websocket"
    async with websockets.connect(offered, compression="deflate") as socket:
        assert socket.protocol.extensions == []
        session = json.loads(str(await socket.recv())[1:])["sid"]
        outbox = live.services.sio.eio.sockets[session].queue
        assert isinstance(outbox, Outbox)
        assert outbox.transport is not None


async def test_one_who_leaves_at_once_leaves_nothing(live: Live) -> None:
    for packets in (["40"], ["40", "1"], ["40", "41"], ["40", "41", "40"]):
        for _ in range(20):
            screen = await live.open()
            for packet in packets:
                await screen.send(packet + json.dumps({"token": sign()}) * (packet == "40"))
            await screen.close()
    await nothing_left(live)


async def test_coming_and_going_leaves_nothing(live: Live, rest: httpx.AsyncClient) -> None:
    """An hour's churn in seconds: connect, subscribe, get an update, leave or drop."""
    polls = [await create_poll(rest, token_hex(12)) for _ in range(3)]
    sizes, tasks = [], len(asyncio.all_tasks())
    for number in range(6):
        screens = await asyncio.gather(*[live.screen() for _ in range(60)])
        await asyncio.gather(*[s.subscribe(*[p["id"] for p in polls]) for s in screens])
        await vote(rest, polls[number % 3], 0, token_hex(12))
        await asyncio.gather(*[s.until("vote-update") for s in screens])
        for screen in screens[:30]:
            screen.socket.transport.abort()
        await asyncio.gather(*[s.close() for s in screens])
        live.forget_screens()
        del screens, screen
        await nothing_left(live)
        gc.collect()
        sizes.append(len(gc.get_objects()))
    assert sizes[-1] - sizes[1] < 1_000  # 240 clients later: nothing of each is kept
    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def nothing_left(live: Live) -> None:
    """Wait until no trace is left of any client."""
    sio, audience = live.services.sio, live.services.audience
    async with asyncio.timeout(5):
        while sio.eio.sockets or len(audience) or sio.manager.rooms or sio.environ:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert audience.followed() == []
    assert audience.on_firehose() == []
    assert sio.manager.pending_connect == {}
    assert sio.manager.pending_disconnect == {}


async def test_a_client_that_stops_polling_is_dropped(live: Live, rest: httpx.AsyncClient) -> None:
    session = json.loads((await rest.get(address)).text[1:])["sid"]
    token = json.dumps({"token": sign()})
    await rest.post(f"{address}&sid={session}", content=f"40{token}".encode())
    assert (await rest.get(f"{address}&sid={session}")).text.startswith("40")
    other = await live.screen()
    before = (await rest.get("/metrics")).text
    for _ in range(1_100):
        live.services.sio.manager.send("vote-update", an_update, room="firehose")
    while len(live.services.audience) == 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert (await rest.get(f"{address}&sid={session}")).status_code == 400
    await other.until("vote-update")
    assert (await other.subscribe())["polls"] == []
    name = "quickpoll_socket_clients_dropped_total "
    after = (await rest.get("/metrics")).text
    assert _value(after, name) == _value(before, name) + 1


def _value(metrics: str, name: str) -> float:
    lines = metrics.splitlines()
    return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


async def test_requests_of_a_client_are_answered_in_turn(
    live: Live, rest: httpx.AsyncClient
) -> None:
    poll = await create_poll(rest, token_hex(12))
    screen = await live.screen()
    answers = await asyncio.gather(
        *[ask(poll["id"]) for _ in range(10) for ask in (screen.subscribe, screen.unsubscribe)]
    )
    assert [set(one) for one in answers] == [{"polls", "unknown"}, set()] * 10
    assert live.services.audience.followed() == []
