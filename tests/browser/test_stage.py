"""The stage: everything in view, as large as fits; nothing on it that was not to be shown."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.conftest import bearer

full = {"width": 1920, "height": 1080}
long_text = (
    "A longer proposal that somebody wrote down in full, with all its reasons, because it matters "
)
texts = {
    "two short": ["Yes", "No"],
    "six": [f"Choice number {place}" for place in range(6)],
    "ten": [f"Proposal number {place}" for place in range(10)],
    "fifty": [f"Candidate {place}" for place in range(50)],
    "four long": [(long_text * 3)[:196] + f"{place:04}" for place in range(4)],
    "fifty long": [(long_text * 3)[:196] + f"{place:04}" for place in range(50)],
    "fifty words": [
        f"{'Rindfleischetikettierungsüberwachung' * 5}{place:02}" for place in range(50)
    ],
}
at_least = {"two short": 64, "six": 40, "ten": 32, "fifty": 17}
"""Pixels, at 1920 x 1080."""

# Everything that has to be seen, and what of it is not wholly within the screen.
outside = """() => [...document.querySelectorAll(
    "#question, .option, .option-text, .percent, .bar, #voters, #qr, #address, #controls")]
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    const { left, top, right, bottom } = one.getBoundingClientRect();
    return left < 0 || top < 0 || right > innerWidth + 0.5 || bottom > innerHeight + 0.5;
  })
  .map((one) => one.id || one.className)"""
# Rows that lie on each other, or on what is around them.
overlapping = """() => {
  const boxes = [...document.querySelectorAll(".option, .stage-head, .stage-join, .stage-foot")]
    .map((one) => one.getBoundingClientRect());
  return boxes.filter((a, place) => boxes.slice(place + 1).some((b) =>
    a.left < b.right - 1 && b.left < a.right - 1 &&
    a.top < b.bottom - 1 && b.top < a.bottom - 1)).length;
}"""
clipped = """() => [...document.querySelectorAll("#question, .option-text")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 3)
  .map((one) => one.textContent)"""


async def _stage(
    visitors: Visitors, api: httpx.AsyncClient, kind: str, question: str, size: dict[str, int]
) -> Page:
    poll = await create_poll(api, token_hex(12), question=question, texts=texts[kind])
    await vote(api, poll, 0, token_hex(12))
    wall = await visitors.open(f"/polls/{poll['id']}/present", viewport=size)
    await expect(wall.get_by_role("img", name="QR code")).to_be_visible()
    await expect(wall.locator("#connection")).to_have_text("Live")
    await wall.evaluate("document.fonts.ready")
    return wall


async def _letters(page: Page, selector: str) -> float:
    found: float = await page.locator(selector).first.evaluate(
        "one => parseFloat(getComputedStyle(one).fontSize)"
    )
    return found


@pytest.mark.parametrize("kind", texts)
async def test_a_projector_shows_every_option_whole_and_as_large_as_fits(
    visitors: Visitors, api: httpx.AsyncClient, kind: str
) -> None:
    wall = await _stage(visitors, api, kind, "Which of these shall it be?", full)
    assert await wall.evaluate(outside) == []
    assert await wall.evaluate(overlapping) == 0
    assert await wall.evaluate(clipped) == []
    assert await wall.locator(".option-text").all_text_contents() == texts[kind]
    if kind == "two short":  # below each other: another column would not make them larger
        assert await wall.locator("#options").get_attribute("data-columns") == "1"
    assert await _letters(wall, ".option-text") >= at_least.get(kind, 8)


@pytest.mark.parametrize("kind", ["two short", "fifty", "fifty long"])
@pytest.mark.parametrize("size", [(1024, 768), (1280, 720), (3840, 2160), (768, 1024)])
async def test_other_screens_show_all_of_it_too(
    visitors: Visitors, api: httpx.AsyncClient, kind: str, size: tuple[int, int]
) -> None:
    question = ("Why does this one have such a long question, and who is to read it? " * 8)[:500]
    wall = await _stage(visitors, api, kind, question, {"width": size[0], "height": size[1]})
    assert await wall.evaluate(outside) == []
    assert await wall.evaluate(overlapping) == 0
    assert await wall.locator("#question").text_content() == question.strip()


async def test_a_stage_fits_anew_when_the_screen_changes(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    wall = await _stage(visitors, api, "ten", "Which?", full)
    before = await _letters(wall, ".option-text")
    await wall.set_viewport_size({"width": 960, "height": 540})
    await wall.wait_for_function(
        "before => parseFloat(getComputedStyle(document.querySelector('.option-text')).fontSize)"
        " < before * 0.7",
        arg=before,
    )
    assert await wall.evaluate(outside) == []


async def _hidden(api: httpx.AsyncClient, owner: str, results: str) -> dict[str, Any]:
    poll = await create_poll(api, owner, results=results)
    await vote(api, poll, 1, token_hex(12))
    return poll


@pytest.mark.parametrize("results", ["after_close", "after_vote", "owner"])
async def test_hidden_results_are_on_the_stage_only_after_reveal(
    visitors: Visitors, api: httpx.AsyncClient, results: str
) -> None:
    owner = token_hex(12)
    poll = await _hidden(api, owner, results)
    wall = await visitors.open(f"/polls/{poll['id']}/present", owner)
    await expect(wall.get_by_text("hidden until they are revealed")).to_be_visible()
    await expect(wall.locator("#connection")).to_have_text("Live")
    await vote(api, poll, 1, token_hex(12))
    for place in (".bar", ".percent", ".count", "#voters"):
        await expect(wall.locator(place).first).to_be_hidden()
    # Not in the page at all, so that nothing else shows or says it.
    assert "100%" not in await wall.evaluate("document.body.textContent")

    await wall.get_by_role("button", name="Reveal").click()
    green = wall.get_by_role("listitem").filter(has_text="green")
    await expect(green).to_contain_text("100%")
    await expect(wall.locator("#voters")).to_have_text("2")
    await wall.keyboard.press("r")
    await expect(green.locator(".percent")).to_be_hidden()
    await wall.keyboard.press("R")
    await expect(green.locator(".percent")).to_be_visible()


async def test_what_everybody_may_see_needs_no_reveal(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await _hidden(api, owner, "after_close")
    wall = await visitors.open(f"/polls/{poll['id']}/present", owner)
    await expect(wall.get_by_text("hidden until they are revealed")).to_be_visible()
    await api.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    await expect(wall.get_by_role("listitem").filter(has_text="green")).to_contain_text("100%")
    await expect(wall.get_by_role("button", name="Reveal")).to_be_hidden()


async def test_whoever_may_not_see_the_results_cannot_reveal_them(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await _hidden(api, token_hex(12), "after_close")
    wall = await visitors.open(f"/polls/{poll['id']}/present")
    await expect(wall.get_by_text("once the poll is closed")).to_be_visible()
    await expect(wall.get_by_role("button", name="Reveal")).to_be_hidden()
    await wall.keyboard.press("r")
    await expect(wall.locator(".bar").first).to_be_hidden()


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ("after_close", "Only you see these numbers; the others do once the poll is closed."),
        ("after_vote", "Only you see these numbers; the others do once they have voted."),
        ("owner", "Only you see these numbers."),
    ],
)
async def test_what_only_the_owner_sees_is_marked_on_their_pages(
    visitors: Visitors, api: httpx.AsyncClient, results: str, words: str
) -> None:
    owner = token_hex(12)
    poll = await _hidden(api, owner, results)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    await expect(page.get_by_text(words, exact=True)).to_be_visible()
    await page.goto(f"{visitors.url}/polls?whose=mine")
    await expect(page.get_by_text(words, exact=True)).to_be_visible()


async def test_what_everybody_sees_is_not_marked(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    await expect(page.get_by_role("heading", name="Your poll")).to_be_visible()
    await expect(page.locator("#only-you")).to_be_hidden()
