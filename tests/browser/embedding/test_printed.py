"""What docs/embedding.md and the README show, as they are printed."""

from __future__ import annotations

import re
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.embedding.hosts import site
from tests.browser.visitors import Visitors
from tests.builders import create_poll
from tests.checkout import root
from tests.conftest import sign


def block(page: str, beginning: str) -> str:
    """The block of HTML on a page that begins like this."""
    text = (root / page).read_text("utf-8")
    blocks = re.findall(r"^```html\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (found,) = [one for one in blocks if one.startswith(beginning)]
    return str(found)


@pytest.mark.parametrize(
    ("page", "beginning"),
    [
        ("docs/embedding.md", "<!doctype html>"),
        ("docs/embedding.md", "<iframe"),
        ("README.md", "<quick-poll"),
    ],
)
async def test_what_is_shown_works(
    guests: Visitors, polls: httpx.AsyncClient, port: int, page: str, beginning: str
) -> None:
    poll = await create_poll(polls, token_hex(12))
    markup = block(page, beginning)
    assert len(markup.splitlines()) <= (10 if page == "README.md" else 12)
    for said, meant in (
        ("http://127.0.0.1:8001", guests.url),
        ("POLL_ID", poll["id"]),
        ("TOKEN", sign()),
    ):
        assert said in markup
        markup = markup.replace(said, meant)
    shown = await guests.blank(forgiven="asked another host|favicon|404")
    async with site(port, markup) as outside:
        await shown.goto(outside)
        inside = shown.frame_locator("iframe") if beginning == "<iframe" else shown
        await inside.get_by_role("radio", name="red").check()
        await inside.get_by_role("button", name="Cast your vote").click()
        await expect(inside.get_by_text("Your vote is in.")).to_be_visible()
        if beginning == "<iframe":
            await expect(shown.locator("iframe")).not_to_have_attribute("height", "520")
