"""Handing a poll on: its address, its code."""

from __future__ import annotations

from secrets import token_hex

import httpx
from playwright.async_api import expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll
from tests.conftest import sign


async def test_the_address_is_copied_without_the_token(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(
        f"/polls/{poll['id']}", permissions=["clipboard-read", "clipboard-write"]
    )
    await page.get_by_role("button", name="Copy the address").click()
    await expect(page.get_by_text("Copied.")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{visitors.url}/polls/{poll['id']}"


async def test_where_copying_is_not_allowed_the_address_is_marked(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.blank()
    # As in a frame, or over plain HTTP from another machine.
    await page.add_init_script("delete Navigator.prototype.clipboard")
    page_address = f"{visitors.url}/polls/{poll['id']}"
    await page.goto(f"{page_address}#token={sign()}")
    await page.get_by_role("button", name="Copy the address").click()
    await expect(page.get_by_text("copy it by hand")).to_be_visible()
    assert await page.evaluate("getSelection().toString()") == page_address


async def test_the_code_is_that_of_the_pages_own_address(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    for path in ("", "/present"):
        page = await visitors.open(f"/polls/{poll['id']}{path}")
        code = page.get_by_role("img", name="QR code of this poll")
        await expect(code).to_be_visible()
        assert await code.evaluate("image => image.naturalWidth > 0")
        source = await code.get_attribute("src")
        drawn = (await api.get(source or "")).content
        assert drawn == (await api.get(f"/polls/{poll['id']}/qr.svg")).content
