"""The longest bar looks longest: in light, dark, forced colours and greyscale, by its pixels."""

from __future__ import annotations

import base64
from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote

schemes: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"forced_colors": "active"},
    "forced dark": {"forced_colors": "active", "color_scheme": "dark"},
}

# Reads a picture's pixels in a page of its own, which no policy forbids to.
read_row = """async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, Math.floor(image.height / 2), image.width, 1);
  return Array.from({ length: image.width }, (_, x) =>
    0.2126 * data[4 * x] + 0.7152 * data[4 * x + 1] + 0.0722 * data[4 * x + 2]);
}"""


async def _filled(page: Page, place: int, eyes: Page) -> float:
    """The part of a bar that differs from its end, in greyscale."""
    shot = await page.locator(".bar").nth(place).screenshot(animations="disabled")
    source = "data:image/png;base64," + base64.b64encode(shot).decode()
    row: list[float] = (await eyes.evaluate(read_row, source))[3:-3]
    empty = row[-1]
    return sum(1 for grey in row if abs(grey - empty) > 40) / len(row)


@pytest.mark.parametrize("scheme", schemes)
@pytest.mark.parametrize("mine", [None, 0, 1])
async def test_bars_are_as_long_as_their_share_in_every_colour_scheme(
    visitors: Visitors, api: httpx.AsyncClient, scheme: str, mine: int | None
) -> None:
    user = token_hex(12)
    poll = await create_poll(api, token_hex(12))
    votes = [0, 0, 0, 1, 1, 2]
    if mine is not None:
        votes.remove(mine)
        await vote(api, poll, mine, user)
    for place in votes:
        await vote(api, poll, place, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", user, **schemes[scheme])
    eyes = await visitors.blank()
    await expect(page.locator("#voters")).to_have_text("6")
    lengths = [await _filled(page, place, eyes) for place in range(3)]
    assert lengths == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=0.03)


async def test_equal_votes_are_equal_percents_and_each_is_its_own_share(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    for place in (0, 0, 1, 1, 2, 2, 0, 1):
        await vote(api, poll, place, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    await expect(page.locator(".percent")).to_have_text(["38%", "38%", "25%"])
    wall = await visitors.open(f"/polls/{poll['id']}/present")
    await expect(wall.locator(".percent")).to_have_text(["38%", "38%", "25%"])
