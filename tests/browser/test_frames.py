"""A page that may store nothing, as in a frame of another site, and clocks that are wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll
from tests.conftest import sign
from tests.instances import Instance, free_port

# As browsers do it where third parties may store nothing.
denied = """for (const name of ["sessionStorage", "localStorage"]) {
  Object.defineProperty(window, name, {
    get() { throw new DOMException("The operation is insecure.", "SecurityError"); },
  });
}"""


@pytest.mark.parametrize("path", ["/polls", "/polls/{}", "/polls/{}/present"])
async def test_without_storage_a_page_works_from_memory(
    visitors: Visitors, api: httpx.AsyncClient, path: str
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.blank()
    await page.add_init_script(denied)
    await page.goto(f"{visitors.url}{path.format(poll['id'])}#token={sign()}")
    await expect(page.locator("#connection")).to_have_text("Live")
    assert "token" not in page.url


@asynccontextmanager
async def host(port: int, markup: str) -> AsyncIterator[str]:
    """The address of another site with one page."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
        writer.write((head + "<!doctype html>" + markup).encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield f"http://127.0.0.1:{port}/"


async def test_a_vote_is_cast_in_a_frame_of_another_site(
    browser: Browser, start_instance: Callable[..., Instance]
) -> None:
    port = free_port()
    instance = start_instance(API_FRAME_ANCESTORS=f"http://127.0.0.1:{port}")
    visitors = Visitors(browser, instance.url)
    async with httpx.AsyncClient(base_url=instance.url, timeout=10) as api:
        poll = await create_poll(api, token_hex(12))
    page = await visitors.blank(forgiven="asked another host|favicon|404")
    await page.add_init_script("if (window !== window.top) {" + denied + "}")
    address = f"{instance.url}/polls/{poll['id']}#token={sign()}"
    async with host(port, f'<iframe src="{address}" width="360" height="700"></iframe>') as outside:
        await page.goto(outside)
        inside = page.frame_locator("iframe")
        await inside.get_by_role("radio", name="red").check()
        await inside.get_by_role("button", name="Cast your vote").click()
        await expect(inside.get_by_text("Your vote is in.")).to_be_visible()
        await visitors.leave()
    assert visitors.troubles == []


@pytest.mark.parametrize("hours", [2, -2, 24 * 365])
async def test_a_clock_that_is_wrong_decides_nothing(
    visitors: Visitors, api: httpx.AsyncClient, hours: int
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.blank()
    await page.clock.install(time=time.time() + hours * 3600)
    await page.goto(f"{visitors.url}/polls/{poll['id']}#token={sign(seconds=600)}")
    await expect(page.locator("#connection")).to_have_text("Live")
    await page.get_by_role("radio", name="red").check()
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(page.get_by_text("Your vote is in.")).to_be_visible()
