"""The API's documentation: whole, and from this service alone."""

from __future__ import annotations

from secrets import token_hex

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll


async def test_swagger_ui_shows_every_route(visitors: Visitors, api: httpx.AsyncClient) -> None:
    page = await visitors.open("/docs", token="")
    described = (await api.get("/openapi.json")).json()["paths"]
    routes = sum(len(methods) for methods in described.values())
    await expect(page.locator(".opblock-summary")).to_have_count(routes)


async def test_a_request_is_tried_out_with_the_token_of_the_live_page(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12), question="Tried out?")
    page = await visitors.open(f"/polls/{poll['id']}")
    await page.get_by_role("link", name="The API").click()
    block = page.locator(".opblock", has_text="/api/poll/get-poll-by-id/")
    await block.locator(".opblock-summary-control").click()
    await block.get_by_role("button", name="Try it out").click()
    await block.locator("tr", has_text="poll_id").locator("input").fill(poll["id"])
    await block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response")
    await expect(answer.locator(".response-col_status")).to_contain_text("200")
    await expect(answer).to_contain_text("Tried out?")


async def test_redoc_shows_the_routes(visitors: Visitors) -> None:
    page = await visitors.open("/redoc", token="")
    await expect(page.locator("[data-section-id]").first).to_be_visible()
    await expect(page.locator("#redoc")).to_contain_text("/api/poll/create-poll")


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_without_javascript_the_description_itself_is_offered(
    visitors: Visitors, path: str
) -> None:
    page = await visitors.open(path, token="", java_script_enabled=False)
    link = page.locator("noscript a")
    await expect(link).to_be_visible()
    await expect(link).to_have_attribute("href", "/openapi.json")
