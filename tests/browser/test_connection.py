"""The live connection: what it says of itself, and what it makes of what comes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.conftest import bearer, sign
from tests.instances import Instance


async def test_a_page_comes_back_by_itself_after_a_restart_of_the_service(
    browser: Browser, start_instance: Callable[..., Instance]
) -> None:
    instance = start_instance()
    # Chromium itself complains of each try while nobody listens.
    visitors = Visitors(browser, instance.url)
    async with httpx.AsyncClient(base_url=instance.url, timeout=10) as api:
        poll = await create_poll(api, token_hex(12))
        page = await visitors.open(f"/polls/{poll['id']}", forgiven="ERR_|WebSocket|status of 4")
        await expect(page.locator("#connection")).to_have_text("Live")

        instance.stop()
        await expect(page.locator("#connection")).to_have_text("Reconnecting…")
        await page.get_by_role("radio", name="red").check()
        await page.get_by_role("button", name="Cast your vote").click()
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("No answer from the service")
        await expect(alert).to_contain_text("nothing counts double")

        instance.start()
        await vote(api, poll, 2, token_hex(12))
        await expect(page.locator("#connection")).to_have_text("Live", timeout=30_000)
        await expect(page.locator("#voters")).to_have_text("1")
        # What was chosen before is still there: once more, and it is cast.
        await page.get_by_role("button", name="Cast your vote").click()
        await expect(page.get_by_text("Your vote is in.")).to_be_visible()
        await expect(alert).to_be_hidden()
        await expect(page.locator("#voters")).to_have_text("2")
    await visitors.leave()
    assert visitors.troubles == []


async def test_an_update_older_than_what_is_shown_moves_nothing(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    await vote(api, poll, 0, token_hex(12))
    page = await visitors.blank()
    wires: list[WebSocketRoute] = []

    def tap(wire: WebSocketRoute) -> None:
        wire.connect_to_server()
        wires.append(wire)

    await page.route_web_socket("**/ws/updates/**", tap)
    await page.goto(f"{visitors.url}/polls/{poll['id']}#token={sign()}")
    await expect(page.locator("#connection")).to_have_text("Live")
    await vote(api, poll, 0, token_hex(12))
    red = page.get_by_role("listitem").filter(has_text="red")
    await expect(red).to_contain_text("2 votes")
    await page.evaluate(
        """() => {
          const figure = document.querySelector(".option .count");
          window.shown = [];
          new MutationObserver(() => window.shown.push(figure.textContent))
            .observe(figure, { childList: true, characterData: true, subtree: true });
        }"""
    )

    now = 9_000_000_000_000_000  # later than any version that is real
    for version, votes in ((now, 50), (now - 1, 49), (1, 3), (now + 1, 51)):
        wires[-1].send(_update(poll, version, votes))
    await expect(red).to_contain_text("51 votes")
    assert await page.evaluate("window.shown") == ["50 votes", "51 votes"]


def _update(poll: dict[str, Any], version: int, votes: int) -> str:
    counts = {option["id"]: 0 for option in poll["options"]}
    counts |= {"likes": 0, poll["options"][0]["id"]: votes}
    update = {"pollId": poll["id"], "version": version, "counts": counts}
    update |= {"votersCount": votes, "votesCount": votes, "at": "2026-01-01T00:00:00Z"}
    return "42" + json.dumps(["vote-update", update])


async def test_offline_is_said_and_the_network_coming_back_is_used_at_once(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    page = await visitors.open(f"/polls/{poll['id']}", forgiven="ERR_INTERNET_DISCONNECTED")
    connection = page.locator("#connection")
    await expect(connection).to_have_text("Live")
    await page.context.set_offline(True)
    await expect(connection).to_have_text("You are offline; these are the last known numbers")
    path = f"/api/poll/update-poll/{poll['id']}"
    await api.patch(path, json={"question": "Changed meanwhile?"}, headers=bearer(owner))
    await vote(api, poll, 0, token_hex(12))
    await page.context.set_offline(False)
    await expect(connection).to_have_text("Live")
    await expect(page.locator("#voters")).to_have_text("1")
    await expect(page.get_by_role("heading", name="Changed meanwhile?")).to_be_visible()


@pytest.mark.parametrize("path", ["/polls", "/polls/{}", "/polls/{}/present"])
async def test_a_page_that_could_not_be_read_comes_by_itself(
    visitors: Visitors, api: httpx.AsyncClient, path: str
) -> None:
    poll = await create_poll(api, token_hex(12), question="There after all?")
    page = await visitors.blank(forgiven="ERR_FAILED")
    await page.clock.install()
    await page.route("**/api/**", lambda route: route.abort())
    await page.goto(f"{visitors.url}{path.format(poll['id'])}#token={sign()}")
    await expect(page.get_by_role("alert")).to_contain_text("No answer from the service")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("alert")).to_contain_text("No answer from the service")
    await page.unroute("**/api/**")
    await page.clock.fast_forward(7_000)
    await expect(page.get_by_role("heading", name="There after all?").first).to_be_visible()
    await expect(page.locator("#notice")).to_be_hidden()
    # The button that had the focus is gone; whoever pressed it is still on the page.
    await expect(page.locator("#main")).to_be_focused()


async def test_where_websockets_are_not_let_through_long_polling_takes_over(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.blank()
    # As a browser tells of a proxy that refuses the upgrade.
    await page.add_init_script(
        """window.WebSocket = class {
          constructor() {
            setTimeout(() => {
              this.onerror(new Event("error"));
              this.onclose(new CloseEvent("close", { code: 1006 }));
            });
          }
          close() {}
        }"""
    )
    await page.goto(f"{visitors.url}/polls/{poll['id']}#token={sign()}")
    await expect(page.locator("#connection")).to_have_text("Live")
    assert any("transport=polling" in address for address in visitors.asked)
    await vote(api, poll, 0, token_hex(12))
    await expect(page.locator("#voters")).to_have_text("1")


async def test_the_time_to_the_close_is_counted_down_and_then_it_is_closed(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner, closesAt=_from_now(3000))
    page = await visitors.open(f"/polls/{poll['id']}")
    wall = await visitors.open(f"/polls/{poll['id']}/present")
    for shown in (page, wall):
        await expect(shown.get_by_role("timer")).to_have_text(re.compile(r"^closes in \d\d:\d\d$"))
        before = await shown.get_by_role("timer").inner_text()
        await expect(shown.get_by_role("timer")).not_to_have_text(before)

    path = f"/api/poll/update-poll/{poll['id']}"
    moved = await api.patch(path, json={"closesAt": _from_now(2)}, headers=bearer(owner))
    assert moved.status_code == 200
    for shown in (page, wall):
        await expect(shown.locator("#status")).to_have_text("Closed")
    await expect(page.get_by_role("timer")).to_contain_text("since")
    await expect(page.get_by_role("radio", name="red")).to_be_disabled()


def _from_now(seconds: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def test_screen_readers_hear_of_it_at_most_every_five_seconds(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    await expect(page.locator("#connection")).to_have_text("Live")
    await page.evaluate(
        """() => {
          window.said = [];
          new MutationObserver(() => window.said.push([performance.now(), announcer.textContent]))
            .observe(announcer, { childList: true, characterData: true, subtree: true });
        }"""
    )
    for count in range(1, 6):
        await vote(api, poll, 0, token_hex(12))
        await expect(page.locator("#voters")).to_have_text(str(count))
    await page.wait_for_function("() => window.said.length > 0")
    said = await page.evaluate("window.said")
    moments = [moment for moment, _ in said]
    assert all(later - before > 4900 for before, later in pairwise(moments))
    assert re.fullmatch(r"[1-5] voters?\. red leads with 100 percent\.", said[-1][1])
