"""Two real browsers among the hall: the stage, which leads by its keys, and a guest's phone."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.browser.conftest import names, switches
from tests.conftest import sign

chromium = next((path for name in names if (path := shutil.which(name))), None)

seconds = 30.0
"""How long a page may take for anything, on a machine that is busy with the rest of the hall."""


class Pages:
    """What is on both screens."""

    def __init__(self, stage: Page, phone: Page) -> None:
        self.stage, self.phone = stage, phone

    async def show(self, question: str) -> None:
        """Wait until both show that question."""
        for page in (self.stage, self.phone):
            await expect(page.locator("#question")).to_have_text(question, timeout=seconds * 1000)

    async def vote(self, text: str) -> None:
        """Vote on the phone."""
        await self.phone.locator(".option-text", has_text=text).click()
        await self.phone.get_by_role("button", name="Cast your vote").click()
        await self.voted()

    async def voted(self) -> None:
        """The phone says that its vote is in."""
        mine = self.phone.locator("#own-vote")
        await expect(mine).to_contain_text("Your vote is in", timeout=seconds * 1000)

    async def over(self) -> None:
        """Both say that the evening is over."""
        for page in (self.stage, self.phone):
            heading = page.get_by_role("heading", name="That was it")
            await expect(heading).to_be_visible(timeout=seconds * 1000)


@asynccontextmanager
async def pages(url: str, session_id: str, owner: str) -> AsyncIterator[Pages]:
    """The stage of the session's owner, and the phone of somebody who taps to come in."""
    if chromium is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs Chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=switches)
        wide = await browser.new_context(viewport={"width": 1920, "height": 1080}, locale="en-GB")
        small = await browser.new_context(viewport={"width": 360, "height": 740}, locale="en-GB")
        for context in (wide, small):
            context.set_default_timeout(seconds * 1000)
        stage, phone = await wide.new_page(), await small.new_page()
        await stage.goto(f"{url}/sessions/{session_id}/present#token={sign(owner)}")
        await expect(stage.locator("#lobby h1")).to_be_visible(timeout=seconds * 1000)
        await phone.goto(f"{url}/sessions/{session_id}")
        await phone.get_by_role("button", name="Join and vote").click()
        await expect(phone.get_by_role("heading", name="You are in")).to_be_visible(
            timeout=seconds * 1000
        )
        yield Pages(stage, phone)
        await browser.close()
