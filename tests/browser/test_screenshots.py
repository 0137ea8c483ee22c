"""The README's pictures, taken of the real thing: ``make screenshots`` puts them in place."""

from __future__ import annotations

import asyncio
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.checkout import root
from tests.conftest import bearer

question = "What shall we build in the open hour on Friday?"
texts = (
    "A weather station for the roof",
    "A better coffee rota",
    "An archive of our old talks",
    "Nothing: let us rest",
)
votes = (57, 21, 38, 9)
likes = 23
width, height, density = 1200, 778, 2


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Where the pictures go: only where asked for into the project, which stays clean else."""
    folder = os.environ.get("SCREENSHOTS")
    return root / folder if folder else tmp_path


async def _scene(api: httpx.AsyncClient) -> dict[str, Any]:
    soon = datetime.now(UTC) + timedelta(minutes=14, seconds=33)
    more = {"allowVoteChange": True, "closesAt": soon.isoformat()}
    poll = await create_poll(api, token_hex(12), question=question, texts=texts, **more)
    await asyncio.gather(
        *(vote(api, poll, place, token_hex(12)) for place, n in enumerate(votes) for _ in range(n)),
        *(api.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer()) for _ in range(likes)),
    )
    return poll


async def _take(page: Page, path: Path) -> None:
    await page.evaluate("document.fonts.ready")
    head = await page.screenshot(path=path, animations="disabled", caret="hide")
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:24]) == (width * density, height * density)


async def test_the_pictures_show_a_poll_in_use(
    visitors: Visitors, api: httpx.AsyncClient, album: Path
) -> None:
    poll = await _scene(api)
    size: dict[str, Any] = {
        "viewport": {"width": width, "height": height},
        "device_scale_factor": density,
    }
    page = await visitors.open(f"/polls/{poll['id']}", **size)
    wall = await visitors.open(f"/polls/{poll['id']}/present", color_scheme="dark", **size)

    await page.get_by_role("radio", name=texts[2]).check()
    await page.get_by_role("button", name="Cast your vote").click()
    await page.get_by_role("button", name="Like").click()

    for shown in (page, wall):
        await expect(shown.locator("#voters")).to_have_text(str(sum(votes) + 1))
        await expect(shown.locator("#qr")).to_be_visible()
    await expect(page.get_by_role("button", name="Like")).to_contain_text(str(likes + 1))
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement.blur()")
    await _take(page, album / "live-page.png")
    await _take(wall, album / "presenter.png")


async def test_a_picture_of_the_stage_and_of_a_phone(
    visitors: Visitors, api: httpx.AsyncClient, album: Path
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner, question=question, texts=texts)
    await asyncio.gather(
        *(vote(api, poll, place, token_hex(12)) for place, n in enumerate(votes) for _ in range(n))
    )
    evening = await _an_evening(api, owner, poll["id"])
    sharp: dict[str, Any] = {"device_scale_factor": density}
    size = {"viewport": {"width": width, "height": height}, **sharp}
    small = {"viewport": {"width": 360, "height": height}, **sharp}
    stage = await visitors.open(f"/sessions/{evening}/present", owner, **size)
    phone = await visitors.open(f"/sessions/{evening}", **small)
    await phone.get_by_role("radio", name=texts[2]).check()
    await phone.get_by_role("button", name="Cast your vote").click()
    for shown in (stage, phone):
        await expect(shown.locator("#voters")).to_have_text(str(sum(votes) + 1))
    await expect(stage.locator("#qr")).to_be_visible()
    await phone.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    await _take(stage, album / "stage.png")
    await phone.screenshot(path=album / "phone.png", animations="disabled")


async def _an_evening(api: httpx.AsyncClient, owner: str, poll: str) -> str:
    """A session that is at its one poll; its id."""
    body = {"title": "The open hour", "pollIds": [poll]}
    answer = await api.post("/api/session/create-session", json=body, headers=bearer(owner))
    session = answer.json()
    step = {"at": 0, "ifVersion": session["version"]}
    path = f"/api/session/step-session/{session['id']}"
    assert (await api.post(path, json=step, headers=bearer(owner))).status_code == 200
    return str(session["id"])
