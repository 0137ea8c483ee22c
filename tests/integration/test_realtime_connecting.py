"""Live updates: who may connect, and for how long."""

from __future__ import annotations

import asyncio
import json
import time
from secrets import token_hex
from typing import Any

import pytest

from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.socketio import server as sending
from tests.conftest import environment, settings_from, sign
from tests.integration.live_contract import example
from tests.integration.realtime_harness import Live, query_token, running

an_update = example("vote-update")


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        (None, "missing_token"),
        ({}, "missing_token"),
        ({"token": ""}, "missing_token"),
        ({"token": 7}, "missing_token"),
        ({"token": "x.y.z"}, "invalid_token"),
        ({"token": sign(seconds=-1)}, "expired_token"),
        ({"token": sign("no user id")}, "invalid_token"),
    ],
)
async def test_without_a_valid_token_the_connection_is_refused(
    live: Live, auth: dict[str, Any] | None, code: str
) -> None:
    screen = await live.open()
    await screen.join(auth)
    assert screen.refused is not None
    assert set(screen.refused["data"]) == {"code", "detail"}
    assert screen.refused["data"]["code"] == code
    assert screen.refused["message"] == screen.refused["data"]["detail"]


async def test_a_token_comes_in_one_of_three_ways(live: Live) -> None:
    token = sign()
    screens = [
        await live.open(),
        await live.open(headers={"Authorization": f"Bearer {token}"}),
        await live.open(query_token(token)),
    ]
    for screen, auth in zip(screens, [{"token": token}, None, None], strict=True):
        await screen.join(auth)
        assert screen.refused is None


async def test_the_acknowledgement_of_a_connection_comes_before_any_event(live: Live) -> None:
    async def shake() -> None:
        while True:
            live.services.sio.manager.send("vote-update", an_update, room="firehose")
            await asyncio.sleep(0)

    shaking = asyncio.create_task(shake())
    screens = [await live.screen() for _ in range(10)]
    for screen in screens:
        await screen.until("vote-update")
    shaking.cancel()
    for screen in screens:
        assert screen.packets[1].startswith("40")
        assert screen.packets[2].startswith("42")


async def test_a_user_has_a_bounded_number_of_connections(
    stores: StoreAddresses, name: str
) -> None:
    variables = environment(stores, name, API_SOCKET_CLIENTS_PER_USER="3")
    async with running(settings_from(variables)) as live:
        user = token_hex(12)
        screens = [await live.screen(user) for _ in range(4)]
        assert [s.refused for s in screens[:-1]] == [None] * 3
        assert screens[-1].refused is not None
        assert screens[-1].refused["data"]["code"] == "rate_limited"
        await screens[0].close()
        while len(live.services.audience) == 3:  # noqa: ASYNC110 - nothing to wait on
            await asyncio.sleep(0.01)
        assert (await live.screen(user)).refused is None


async def test_an_instance_has_a_bounded_number_of_clients(
    stores: StoreAddresses, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SPARE_CONNECTIONS", 1)
    async with running(settings_from(environment(stores, name, API_SOCKET_CLIENTS="1"))) as live:
        first, second = await live.screen(), await live.screen()
        assert first.refused is None
        assert second.refused is not None
        assert second.refused["data"]["code"] == "overloaded"
        rest = await live.http()
        one_more = await rest.get("/ws/updates/?EIO=4&transport=polling")
        assert one_more.status_code == 503
        assert len(live.services.sio.eio.sockets) == 2


async def test_whoever_stays_outside_is_shown_out(live: Live) -> None:
    outside, refused, inside = await live.open(), await live.open(), await live.screen()
    await refused.join({"token": "no"})
    for _ in range(2):
        await live.services.idle_reaper.round()
    for screen in (outside, refused):
        await asyncio.wait_for(screen.ended.wait(), 5)
    assert not inside.ended.is_set()


async def test_one_who_answers_no_ping_is_let_go(live: Live) -> None:
    silent, other = await live.screen(), await live.screen()
    manager, sockets = live.services.sio.manager, live.services.sio.eio.sockets
    sid = json.loads(silent.packets[1][2:])["sid"]
    sockets[manager.eio_sid_from_sid(sid, "/")].last_ping = time.time() - 60
    await live.services.idle_reaper.round()
    await asyncio.wait_for(silent.ended.wait(), 5)
    assert not other.ended.is_set()
    await live.services.idle_reaper.round()
    assert len(sockets) == 1


async def test_a_client_is_told_when_its_token_expires_and_let_go(live: Live) -> None:
    screen = await live.screen(seconds=1)
    told = await screen.until("session-ended")
    assert told["code"] == "expired_token"
    await asyncio.wait_for(screen.ended.wait(), 5)
    assert screen.packets[-1] == "41"
    assert len(live.services.audience) == 0
