"""Live behind anything: proxies that hang, cut, strip, hold back; a service that falls silent."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable
from functools import partial
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.proxies import (
    Proxy,
    Reader,
    Treatment,
    Writer,
    cut,
    cut_in_use,
    hang,
    hold_back,
    proxy,
    strip,
)
from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.conftest import sign
from tests.instances import Instance

within = 10_000  # milliseconds, as promised
polling = re.compile("transport=polling")


@pytest.mark.parametrize("treat", [hang, cut, cut_in_use, strip, hold_back])
async def test_behind_a_proxy_that_bears_no_websocket_a_page_is_live_all_the_same(
    browser: Browser, service: Instance, api: httpx.AsyncClient, treat: Treatment
) -> None:
    poll = await create_poll(api, token_hex(12))
    async with proxy(service.port, treat) as (address, between):
        visitors = Visitors(browser, address)
        page = await visitors.open(f"/polls/{poll['id']}", forgiven="WebSocket")
        connection = page.locator("#connection")
        await expect(connection).to_have_text("Live", timeout=within)
        if treat is cut_in_use:  # live at once, and cut off twice before it is given up
            async with page.expect_request(polling, timeout=within):
                pass
            await expect(connection).to_have_text("Live", timeout=within)
        assert between.treated >= 1
        await vote(api, poll, 0, token_hex(12))
        await expect(page.locator("#voters")).to_have_text("1")
        assert any("transport=polling" in asked for asked in visitors.asked)
        await visitors.leave()
        assert visitors.troubles == []


async def test_a_websocket_that_works_is_used(visitors: Visitors, api: httpx.AsyncClient) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    await expect(page.locator("#connection")).to_have_text("Live")
    assert any(asked.startswith("ws://") for asked in visitors.asked)
    assert not any("transport=polling" in asked for asked in visitors.asked)


async def test_a_service_that_falls_silent_is_told_of_and_heard_again(
    browser: Browser, start_instance: Callable[..., Instance]
) -> None:
    instance = start_instance()
    visitors = Visitors(browser, instance.url)
    async with httpx.AsyncClient(base_url=instance.url, timeout=10) as api:
        poll = await create_poll(api, token_hex(12))
    page = await visitors.open(
        f"/polls/{poll['id']}", forgiven="ERR_|WebSocket|503"
    )  # asked before, answered after
    connection = page.locator("#connection")
    await expect(connection).to_have_text("Live")
    os.kill(instance.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        await expect(connection).to_contain_text("No word from the service", timeout=12_000)
        assert time.monotonic() - stopped < 12
    finally:
        os.kill(instance.pid, signal.SIGCONT)
    await expect(connection).to_have_text("Live")
    await visitors.leave()
    assert visitors.troubles == []


# A minute passes in less than a second; how long the library waits for a ping stays as it is.
hurried = """const real = setTimeout;
window.setTimeout = (run, wait, ...more) =>
  real(run, wait > 25000 && wait !== 45000 ? wait / 100 : wait, ...more);"""


async def test_a_page_that_polls_finds_back_to_a_websocket(
    browser: Browser, service: Instance, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    free = asyncio.Event()

    async def hang_until_free(one: Proxy, head: bytes, reader: Reader, writer: Writer) -> None:
        await (one.join if free.is_set() else partial(hang, one))(head, reader, writer)

    async with proxy(service.port, hang_until_free) as (address, _):
        visitors = Visitors(browser, address)
        page = await visitors.blank(forgiven="WebSocket")
        await page.add_init_script(hurried)
        async with page.expect_request(polling):
            await page.goto(f"{address}/polls/{poll['id']}#token={sign()}")
        await expect(page.locator("#connection")).to_have_text("Live")
        free.set()
        async with page.expect_event("websocket", lambda wire: wires_of(visitors) >= 3):
            pass
        await expect(page.locator("#connection")).to_have_text("Live")
        await vote(api, poll, 0, token_hex(12))
        await expect(page.locator("#voters")).to_have_text("1")
        await visitors.leave()


def wires_of(visitors: Visitors) -> int:
    """How many WebSockets were opened: one that hung, one that looks whether it may, one in use."""
    return sum(asked.startswith("ws://") for asked in visitors.asked)
