"""Clients that want to be waited for: every request of Engine.IO has an end, and there is a bound
to all that is kept for somebody without a token."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
import websockets

from quickpoll.socketio import direct, protocol
from tests.conftest import sign
from tests.integration.realtime_harness import Live

address = "/ws/updates/?EIO=4&transport=polling"
last = "Host: a\r\nConnection: close\r\n"


async def opened(rest: httpx.AsyncClient) -> str:
    """A new long-polling session."""
    return str(json.loads((await rest.get(address)).text[1:])["sid"])


async def raw(live: Live, data: bytes) -> bytes:
    """What is answered to these bytes, to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def nothing_in_hand(live: Live) -> None:
    async with asyncio.timeout(5):
        while live.services.sio.in_hand:  # noqa: ASYNC110 - nothing to wait on
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("packet", ["2", "2probe", "5", "\x1e".join(["5"] * 128), "3\x1e2"])
async def test_packets_that_were_never_answered_are_refused(
    live: Live, rest: httpx.AsyncClient, packet: str
) -> None:
    session = await opened(rest)
    answer = await rest.post(f"{address}&sid={session}", content=packet.encode())
    assert answer.status_code == 400
    assert live.services.sio.eio.sockets[session].queue.empty()
    await nothing_in_hand(live)


async def test_ending_a_session_waits_for_no_client(live: Live, rest: httpx.AsyncClient) -> None:
    session = await opened(rest)
    eio = live.services.sio.eio
    await eio.send(session, "4 something that is never fetched")
    await asyncio.wait_for(eio.disconnect(session), 5)
    assert session not in eio.sockets


async def test_a_body_that_does_not_come_is_not_waited_for(
    live: Live, rest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.1)
    session = await opened(rest)
    head = f"POST {address}&sid={session} HTTP/1.1\r\n{last}Content-Length: 5\r\n\r\n40"
    assert (await raw(live, head.encode())).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    await nothing_in_hand(live)


async def test_a_poll_is_answered_whatever_body_it_promises(live: Live) -> None:
    head = f"GET {address} HTTP/1.1\r\n{last}Content-Length: 5\r\n\r\n"
    assert (await raw(live, head.encode())).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_body_in_chunks_is_read(live: Live, rest: httpx.AsyncClient) -> None:
    async def chunks() -> Any:
        yield b"40"
        yield json.dumps({"token": sign()}).encode()

    session = await opened(rest)
    assert (await rest.post(f"{address}&sid={session}", content=chunks())).status_code == 200
    assert (await rest.get(f"{address}&sid={session}")).text.startswith("40{")


async def test_a_session_has_one_poll_at_a_time(live: Live, rest: httpx.AsyncClient) -> None:
    session = await opened(rest)
    first = asyncio.create_task(rest.get(f"{address}&sid={session}"))
    while not live.services.sio.in_hand:  # noqa: ASYNC110 - nothing to wait on
        await asyncio.sleep(0.01)
    more = await asyncio.gather(*(rest.get(f"{address}&sid={session}") for _ in range(10)))
    assert {answer.status_code for answer in more} == {400}
    await rest.post(f"{address}&sid={session}", content=b"40{}")
    assert (await first).text.startswith("44{")


async def test_what_is_left_of_closed_sessions_counts(
    live: Live, rest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sio = live.services.sio
    monkeypatch.setattr(sio, "_most_connections", 2)
    writers = []
    for _ in range(4):  # sessions that are closed while their client still owes a body
        session = await opened(rest)
        _, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writers.append(writer)
        head = f"POST {address}&sid={session} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
        before = sio.in_hand
        writer.write(head.encode())
        while sio.in_hand == before:  # noqa: ASYNC110 - nothing to wait on
            await asyncio.sleep(0.01)
        await sio.eio.disconnect(session)
    assert len(sio.eio.sockets) == 0
    assert (await rest.get(address)).status_code == 503
    for writer in writers:
        writer.close()
    await nothing_in_hand(live)
    assert (await rest.get(address)).status_code == 200


async def test_a_closed_session_is_unknown(live: Live, rest: httpx.AsyncClient) -> None:
    session = await opened(rest)
    assert (await rest.post(f"{address}&sid={session}", content=b"1")).status_code == 200
    for content in (b"3", b"1"):
        answer = await rest.post(f"{address}&sid={session}", content=content)
        assert answer.status_code == 400
    assert (await rest.get(f"{address}&sid={session}")).status_code == 400


# Moving to a WebSocket


async def test_a_move_that_does_not_go_on_ends(
    live: Live, rest: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "UPGRADE_SECONDS", 0.1)
    for packets in ([], ["2probe"]):
        session = await opened(rest)
        moving = await live.open(f"&sid={session}")
        for packet in packets:
            await moving.send(packet)
        await asyncio.wait_for(moving.ended.wait(), 5)
        assert not live.services.sio.eio.sockets[session].upgrading


async def test_a_session_moves_once(live: Live, rest: httpx.AsyncClient) -> None:
    session = await opened(rest)
    moving = await live.open(f"&sid={session}")
    with pytest.raises(websockets.InvalidStatus) as refused:
        await live.open(f"&sid={session}")
    assert refused.value.response.status_code == 400
    await moving.send("2probe")
    await moving.send("5")
    await moving.join({"token": sign()})
    await moving.send("5")  # each would be answered by one packet more
    await asyncio.wait_for(moving.ended.wait(), 5)


async def test_a_session_that_is_ended_while_it_moves_leaves_nothing(
    live: Live, rest: httpx.AsyncClient
) -> None:
    session = await opened(rest)
    moving = await live.open(f"&sid={session}")
    await live.services.sio.hang_up(session)
    await asyncio.wait_for(moving.ended.wait(), 5)
    await nothing_in_hand(live)


# Handshakes


@pytest.mark.parametrize("query", ["?EIO=4", "?EIO=4&transport=polling&j=0", "?EIO=4&transport="])
async def test_a_handshake_says_what_it_is(live: Live, rest: httpx.AsyncClient, query: str) -> None:
    assert (await rest.get(f"/ws/updates/{query}")).status_code == 400
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"ws://127.0.0.1:{live.port}/ws/updates/{query}")
    assert refused.value.response.status_code == 400


async def test_a_handshake_that_is_none_is_refused(live: Live) -> None:
    """With a body it is no handshake of a WebSocket, whatever its headers say."""
    head = (
        "GET /ws/updates/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nContent-Length: 2\r\n\r\n{}"
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    assert (await raw(live, head.encode())).startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_nobody_is_let_in_while_the_service_ends(live: Live, rest: httpx.AsyncClient) -> None:
    await live.services.live.aclose()
    assert (await rest.get(address)).status_code == 503
    with pytest.raises(websockets.InvalidStatus) as refused:
        await live.open()
    assert refused.value.response.status_code == 503


async def test_another_namespace_is_refused_with_code_and_detail(live: Live) -> None:
    token = json.dumps({"token": sign()})
    where = f"ws://127.0.0.1:{live.port}/ws/updates/?EIO=4&transport=websocket"
    async with websockets.connect(where) as socket, asyncio.timeout(5):
        await socket.recv()
        await socket.send(f"40/other,{token}")
        namespace, _, told = str(await socket.recv()).partition(",")
        await socket.send(f"40{token}")  # the one there is stays open to it
        assert str(await socket.recv()).startswith('40{"sid"')
    assert namespace == "44/other"
    detail = "There is one namespace here, /."
    assert json.loads(told) == {"message": detail, "data": {"code": "not_found", "detail": detail}}
