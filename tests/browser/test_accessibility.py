"""WCAG 2.2 AA, as far as a machine can tell: axe on every page, light and dark; size of targets,
reflow, focus, motion."""

from __future__ import annotations

from importlib.resources import files
from secrets import token_hex
from typing import Any, Literal

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.conftest import bearer

axe = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Scheme = Literal["light", "dark"]


async def findings(page: Page) -> list[str]:
    """What axe finds, of whatever weight, in light and in dark."""
    await page.evaluate(axe + "; undefined")
    return [
        f"{scheme}: {one['id']} ({one['impact']}): {node['target']} {node['failureSummary']}"
        for scheme in ("light", "dark")
        for one in await _violations(page, scheme)
        for node in one["nodes"]
    ]


async def _violations(page: Page, scheme: Scheme) -> list[dict[str, Any]]:
    await page.emulate_media(color_scheme=scheme)
    await page.evaluate("document.getAnimations().forEach(one => one.finish())")
    found: dict[str, Any] = await page.evaluate(
        "tags => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", rules
    )
    violations: list[dict[str, Any]] = found["violations"]
    return violations


async def test_axe_finds_nothing_on_a_poll(visitors: Visitors, api: httpx.AsyncClient) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner, allowVoteChange=True)
    await vote(api, poll, 0, owner)
    await vote(api, poll, 1, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", owner, forgiven="422")
    await expect(page.locator("#connection")).to_have_text("Live")
    await page.get_by_role("button", name="Like").click()
    await page.get_by_role("button", name="Change it").click()
    await page.get_by_label("Closes at").fill("2001-01-01T00:00")
    await page.get_by_role("button", name="Save the changes").click()
    await expect(page.locator("[data-wrong=closesAt]")).not_to_be_empty()
    assert await findings(page) == []
    await page.get_by_role("button", name="Delete it").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await findings(page) == []
    await page.keyboard.press("Escape")
    await api.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    await expect(page.locator("#status")).to_have_text("Closed")
    assert await findings(page) == []


async def test_axe_finds_nothing_on_a_poll_with_hidden_results(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12), results="owner", maxChoices=2)
    page = await visitors.open(f"/polls/{poll['id']}")
    await expect(page.get_by_text("Only the owner of this poll sees its results.")).to_be_visible()
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose an option first.")
    assert await findings(page) == []


async def test_axe_finds_nothing_on_the_list(visitors: Visitors, api: httpx.AsyncClient) -> None:
    await create_poll(api, token_hex(12), question="In the list?")
    page = await visitors.open("/polls", forgiven="422")
    await expect(page.get_by_role("link", name="In the list?").first).to_be_visible()
    await page.get_by_role("button", name="Make a poll").click()
    await page.get_by_text("Settings").click()
    await page.get_by_role("button", name="Put it to the vote").click()
    await expect(page.locator("#maker-form [data-wrong=question]")).not_to_be_empty()
    assert await findings(page) == []


async def test_axe_finds_nothing_on_the_wall(visitors: Visitors, api: httpx.AsyncClient) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    await create_poll(api, owner)
    await vote(api, poll, 0, token_hex(12))
    wall = await visitors.open(f"/polls/{poll['id']}/present", owner)
    await expect(wall.locator("#place")).to_have_text("1 of 2")
    await expect(wall.locator("#connection")).to_have_text("Live")
    assert await findings(wall) == []


@pytest.mark.parametrize("path", ["/polls", "/polls/nowhere", f"/polls/{'0' * 24}"])
async def test_axe_finds_nothing_where_there_is_nothing(visitors: Visitors, path: str) -> None:
    token = None if "000" in path else ""
    page = await visitors.open(path, token=token, forgiven="404")
    await expect(page.locator("#main")).to_contain_text(
        "There is no such poll" if "/polls/" in path else "A token is needed"
    )
    assert await findings(page) == []


# What is theirs: Swagger UI puts a link within a button, and in ReDoc examples scroll that no key
# reaches. Whoever one of them troubles reads the other.
@pytest.mark.parametrize(
    ("path", "ready", "its_own"),
    [
        ("/docs", ".opblock", {"nested-interactive"}),
        ("/redoc", "[data-section-id]", {"scrollable-region-focusable"}),
    ],
)
async def test_axe_finds_nothing_serious_in_the_documentation(
    visitors: Visitors, path: str, ready: str, its_own: set[str]
) -> None:
    page = await visitors.open(path, token="")
    await expect(page.locator(ready).first).to_be_visible()
    await page.evaluate(axe + "; undefined")
    serious = {
        one["id"]
        for one in await _violations(page, "light")
        if one["impact"] in ("serious", "critical")
    }
    assert serious == its_own


# Every control, but those that look like text within a sentence and those not yet to be seen.
too_small = """() => [...document.querySelectorAll("a, button, input, select, textarea, summary")]
  .filter((one) => one.checkVisibility() && !one.matches(".skip"))
  .filter((one) => {
    const { width, height } = (one.closest("label") ?? one).getBoundingClientRect();
    return width < 24 || height < 24;
  })
  .map((one) => one.outerHTML.slice(0, 120))"""
widths = (320, 360, 768, 1280, 1920)  # 320 px are a page of 1280 at a zoom of 400 percent


@pytest.mark.parametrize("path", ["/polls", "/polls/{}", "/polls/{}/present"])
async def test_nothing_is_cut_off_and_every_target_is_large_enough(
    visitors: Visitors, api: httpx.AsyncClient, path: str
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner, allowVoteChange=True)
    await vote(api, poll, 0, owner)
    page = await visitors.open(path.format(poll["id"]), owner)
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator(".option").first).to_be_visible()
    for opener in ("#make", "#edit-poll"):
        if await page.locator(opener).count():
            await page.locator(opener).click()
    for width in widths:
        await page.set_viewport_size({"width": width, "height": 800})
        # The stage fits its texts anew after each change of its size.
        await page.wait_for_function(
            "width => document.documentElement.scrollWidth === width", arg=width, timeout=5_000
        )
        assert await page.evaluate(too_small) == [], width


async def test_focus_is_always_to_be_seen_and_goes_in_reading_order(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    await expect(page.get_by_role("heading", name="Your poll")).to_be_visible()
    seen: list[str] = []
    while True:
        await page.keyboard.press("Tab")
        name, drawn = await page.evaluate(
            """() => {
              const one = document.activeElement;
              const place = one.matches(".option input") ? one.nextElementSibling : one;
              const { outlineStyle, outlineWidth } = getComputedStyle(place);
              const name = one.id || one.name || one.className || one.tagName;
              return [one === document.body ? "" : name,
                      outlineStyle !== "none" && parseFloat(outlineWidth) >= 2];
            }"""
        )
        if name in seen or not name:
            break
        assert drawn, name
        seen.append(name)
    expected = ["skip", "wordmark", "choice", "cast", "like", "address", "copy"]
    assert [name for name in seen if name in expected] == expected
    assert seen.index("close-poll") < seen.index("delete-poll") < seen.index("forget")


async def test_who_wants_no_motion_gets_none(visitors: Visitors, api: httpx.AsyncClient) -> None:
    poll = await create_poll(api, token_hex(12))
    for motion, least in (("reduce", 0.0), ("no-preference", 0.3)):
        page = await visitors.open(f"/polls/{poll['id']}", reduced_motion=motion)
        took = await page.locator(".fill").first.evaluate(
            "bar => parseFloat(getComputedStyle(bar).transitionDuration)"
        )
        assert took < 0.01 if motion == "reduce" else took > least


async def test_whoever_hears_the_page_hears_the_question_and_each_options_count(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12), question="Which hue?", results="after_vote")
    await vote(api, poll, 0, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    group = page.get_by_role("group", name="Which hue?", exact=True)
    await expect(group).to_be_visible()
    await expect(group).to_have_accessible_description("Choose one.")
    red = page.get_by_role("radio", name="red", exact=True)
    await expect(red).to_have_accessible_description("")  # what is hidden is not heard either
    await red.check()
    await page.get_by_role("button", name="Cast your vote").click()
    red = page.get_by_role("radio", name="red")
    await expect(red).to_have_accessible_description("100% 2 votes")
