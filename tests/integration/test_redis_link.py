"""The link to Redis by itself: calls under which a look ends, and looks that go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from unittest.mock import Mock

import pytest
from redis.asyncio.connection import Connection

from quickpoll.foundation.http.problems import as_error
from quickpoll.foundation.stores import redis_trouble
from quickpoll.foundation.stores.redis import RedisAway, RedisLink
from quickpoll.localrun.embedded import StoreAddresses
from tests.instances import free_port

most_steps = 60
"""More turns of the loop than it takes to connect and to send a command."""


@pytest.fixture
async def link(stores: StoreAddresses) -> AsyncIterator[RedisLink]:
    found = RedisLink(stores.redis_host, stores.redis_port)
    yield found
    await found.aclose()


async def while_calls_run(
    link: RedisLink, steps: int, cut: Callable[[], Awaitable[None]]
) -> list[bool]:
    """Whether each of many calls was answered, where ``cut`` comes after so many turns."""
    calls = [asyncio.create_task(link.call("ECHO", str(one))) for one in range(20)]
    for _ in range(steps):
        await asyncio.sleep(0)
    await cut()
    heard = await asyncio.gather(*calls, return_exceptions=True)
    answered = [one == str(number) for number, one in enumerate(heard)]
    others = [one for one, well in zip(heard, answered, strict=True) if not well]
    assert [one for one in others if not isinstance(one, RedisAway)] == [], steps
    return answered


async def test_calls_go_on_while_a_look_closes_connections(link: RedisLink) -> None:
    await link.start()
    for steps in range(most_steps):
        await link.client.connection_pool.disconnect()  # so each call opens one of its own
        assert all(await while_calls_run(link, steps, link._disconnect)), steps
    assert link.available


async def test_an_idle_connection_that_closes_under_a_call_is_redis_away(link: RedisLink) -> None:
    await link.start()
    for steps in range(most_steps):
        await while_calls_run(link, steps, link._disconnect)
        assert await link.recover()


async def test_a_connection_that_is_cut_under_a_call_is_redis_away(link: RedisLink) -> None:
    await link.start()
    answered = []
    for steps in range(most_steps):
        answered += await while_calls_run(link, steps, link.client.connection_pool.disconnect)
        assert await link.recover()
    assert not all(answered)


async def test_a_connection_that_is_closed_before_the_command_is_sent_is_redis_away(
    link: RedisLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the call and the task that sends it: there is no writer any more."""
    await link.start()
    send = Connection._send_packed_command

    async def cut_and_send(connection: Connection, command: Iterable[bytes]) -> None:
        await connection.disconnect()
        await send(connection, command)

    with monkeypatch.context() as cutting:
        cutting.setattr(Connection, "_send_packed_command", cut_and_send)
        with pytest.raises(RedisAway):
            await link.call("ECHO", "one")
    assert await link.recover()
    assert await link.call("ECHO", "two") == "two"


async def test_a_connection_in_use_is_opened_anew_after_a_look(link: RedisLink) -> None:
    await link.start()
    before = await link.call("CLIENT", "ID")
    call = asyncio.create_task(link.call("BLPOP", "nothing", "0.1"))
    await asyncio.sleep(0.05)
    await link._disconnect()
    assert await call is None
    assert await link.call("CLIENT", "ID") > before


@pytest.mark.parametrize("seconds", ["0.1", "5"])
async def test_what_becomes_of_a_call_to_a_server_that_was_left_says_nothing(
    link: RedisLink, seconds: str
) -> None:
    """Sentinels may name another server while one still answers, or hangs."""
    await link.start()
    call = asyncio.create_task(link.call("BLPOP", "nothing", seconds))
    await asyncio.sleep(0.05)
    link.run_id = "another"
    with pytest.raises(RedisAway):
        await call
    assert link.available


async def test_a_look_that_fails_for_a_reason_of_ours_is_not_the_last(
    link: RedisLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Mock()
    monkeypatch.setattr(redis_trouble, "log", told)
    times, at_last = 0, asyncio.Event()

    async def prepare() -> None:
        nonlocal times
        times += 1
        if times < 4:
            raise KeyError("nobody foresaw it")
        at_last.set()

    link.on_return(prepare)
    await link.start()
    assert (times, link.available) == (1, False)

    async with asyncio.timeout(5):
        await at_last.wait()
        assert await link.recover()
    assert (times, link.available) == (4, True)
    assert [call.args for call in told.error.call_args_list] == [("redis_look_failed",)]


async def test_who_waits_for_a_look_hears_of_its_end() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        link = RedisLink("127.0.0.1", free_port())
        await link.start()
        link._answers = never  # type: ignore[assignment,method-assign]
        await asyncio.sleep(0.3)
        waiting = asyncio.create_task(link.recover())
        await asyncio.sleep(0)
        await link.aclose()
        assert await waiting is False


async def test_who_waits_for_a_look_that_never_began_hears_of_its_end() -> None:
    async with asyncio.timeout(5):
        link = RedisLink("127.0.0.1", free_port())
        waiting = asyncio.create_task(link.recover())
        await asyncio.sleep(0)
        await link.aclose()
        assert await waiting is False


def test_redis_away_is_answered_with_503() -> None:
    assert as_error(RedisAway()).status == 503
