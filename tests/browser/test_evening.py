"""An evening in browsers: two presenters, phones in the hall, codes, and what each of them sees."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.test_accessibility import findings
from tests.browser.test_stage import clipped, full, outside, overlapping
from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.conftest import bearer

phone: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
wall: dict[str, Any] = {"viewport": full}
pasted = """Which day?
* Monday
* Tuesday

How was it?
- good
- could be better
- bad"""


outside_the_lobby = outside.replace("#question,", "#lobby h1, #lobby-qr, #code, #join-host,")


async def picture(page: Page, name: str) -> None:
    """Keep a picture of the page, where somebody wants to look at it."""
    if folder := os.environ.get("EVENING_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


class Scene:
    """A session of some polls, and who leads it."""

    def __init__(self, api: httpx.AsyncClient, owner: str, session: dict[str, Any]) -> None:
        self.api = api
        self.owner = owner
        self.session = session
        self.path = f"/sessions/{session['id']}"

    async def step(self, at: int | None) -> dict[str, Any]:
        """Go somewhere."""
        headers, name = bearer(self.owner), self.session["id"]
        now = (await self.api.get(f"/api/session/get-session/{name}", headers=headers)).json()
        body = {"at": at, "ifVersion": now["version"]}
        answer = await self.api.post(
            f"/api/session/step-session/{name}", json=body, headers=headers
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def owner() -> str:
    """Whoever leads."""
    return token_hex(12)


async def scene(api: httpx.AsyncClient, owner: str, *polls: dict[str, Any]) -> Scene:
    """An evening of these polls."""
    made = [await create_poll(api, owner, **fields) for fields in polls]
    body = {"title": "Summer party", "pollIds": [poll["id"] for poll in made]}
    answer = await api.post("/api/session/create-session", json=body, headers=bearer(owner))
    assert answer.status_code == 201, answer.text
    return Scene(api, owner, answer.json())


colour: dict[str, Any] = {"question": "Which colour?"}
hidden: dict[str, Any] = {"question": "Who did it?", "results": "after_close"}


async def test_an_evening_from_the_first_paste_to_the_end(
    visitors: Visitors, api: httpx.AsyncClient, owner: str
) -> None:
    stage = await visitors.open("/sessions", owner, **wall)
    await stage.get_by_role("button", name="Make a session").click()
    await stage.get_by_label("Title").fill("Our evening")
    await stage.get_by_label("Questions").fill(pasted)
    await expect(stage.locator("#counted")).to_have_text("2 questions")
    await picture(stage, "1-making")
    await stage.get_by_role("button", name="Make it and go to the stage").click()
    await expect(stage.locator("#lobby h1")).to_have_text("Our evening")
    await expect(stage.locator("#lobby-qr")).to_be_visible()
    assert await stage.evaluate(outside_the_lobby) == []
    code = (await stage.locator("#code").inner_text()).strip()
    assert re.fullmatch("[0-9A-Z]{6}", code)
    await picture(stage, "2-lobby")

    hall = [await visitors.open(f"/j/{code.lower()}", token_hex(12), **phone) for _ in range(2)]
    for one in hall:
        await expect(one.get_by_role("heading", name="You are in")).to_be_visible()
    await picture(hall[0], "3-phone-lobby")

    await stage.keyboard.press(" ")
    for one in (stage, *hall):
        await expect(one.locator("#question")).to_have_text("Which day?")
    await hall[0].get_by_text("Tuesday").click()
    await hall[0].get_by_role("button", name="Cast your vote").click()
    await expect(hall[0].locator("#own-vote")).to_contain_text("Your vote is in")
    await expect(stage.locator("#voters")).to_have_text("1")
    await picture(hall[0], "4-phone-voted")
    await picture(stage, "5-stage")

    await hall[1].get_by_text("Monday").click()  # and not cast yet
    await stage.keyboard.press("j")
    await expect(stage.locator("#code")).to_be_visible()
    await expect(stage.locator("#stage")).to_be_hidden()
    await stage.keyboard.press("j")
    await expect(stage.locator("#stage")).to_be_visible()
    await stage.keyboard.press("c")
    await expect(stage.locator("#status")).to_have_text("Closed")
    await expect(hall[1].get_by_role("button", name="Cast your vote")).to_be_hidden()
    await stage.keyboard.press("c")
    await expect(stage.locator("#status")).to_have_text("Open")
    await expect(hall[1].get_by_role("button", name="Cast your vote")).to_be_visible()

    second = await visitors.open(stage.url.removeprefix(visitors.url), owner, **phone)
    await expect(second.locator("#question")).to_have_text("Which day?")
    await picture(second, "6-presenters-phone")
    await second.get_by_role("button", name="Next question").click()
    for one in (stage, second, *hall):
        await expect(one.locator("#question")).to_have_text("How was it?")
    await stage.keyboard.press("ArrowLeft")
    for one in (stage, second, *hall):
        await expect(one.locator("#question")).to_have_text("Which day?")
    await expect(hall[0].locator("#own-vote")).to_contain_text("Your vote is in")

    late = await visitors.open("/j", token="", **phone)
    await late.get_by_label("Code").fill(f"{code[:3]} {code[3:]}".lower())
    await late.keyboard.press("Enter")
    await late.wait_for_url(re.compile("/sessions/"))

    await stage.get_by_role("button", name="End").click()
    await stage.get_by_role("dialog").get_by_role("button", name="End").click()
    for one in hall:
        await expect(one.get_by_role("heading", name="That was it")).to_be_visible()
    await picture(hall[0], "7-phone-end")
    assert visitors.troubles == []


async def test_hidden_results_are_on_the_stage_only_when_they_are_revealed(
    visitors: Visitors, api: httpx.AsyncClient, owner: str
) -> None:
    evening = await scene(api, owner, hidden)
    poll = {"id": evening.session["pollIds"][0]}
    view = await api.get(f"/api/poll/get-poll-by-id/{poll['id']}", headers=bearer(owner))
    await vote(api, view.json(), 0, token_hex(12))
    await evening.step(0)
    stage = await visitors.open(f"{evening.path}/present", owner, **wall)
    await expect(stage.locator("#hidden-results")).to_be_visible()
    await expect(stage.locator(".percent").first).to_be_hidden()
    await expect(stage.locator("#voters")).to_be_hidden()
    await stage.keyboard.press("r")
    await expect(stage.locator(".percent").first).to_have_text("100%")
    await picture(stage, "8-revealed")
    await stage.keyboard.press("r")
    await expect(stage.locator(".percent").first).to_be_hidden()
    assert visitors.troubles == []


async def test_a_double_click_and_a_second_presenter_skip_nothing(
    visitors: Visitors, api: httpx.AsyncClient, owner: str
) -> None:
    evening = await scene(api, owner, *[{"question": f"Question {n}?"} for n in range(5)])
    pages = [await visitors.open(f"{evening.path}/present", owner, **wall) for _ in range(2)]
    for page in pages:
        await expect(page.locator("#place")).to_have_text("0 of 5")
    await pages[0].get_by_role("button", name="Next question").dblclick()
    for page in pages:
        await expect(page.locator("#place")).to_have_text("1 of 5")
    await asyncio.gather(*[page.keyboard.press("ArrowRight") for page in pages])
    for page in pages:
        await expect(page.locator("#place")).to_have_text("2 of 5")


async def test_who_leads_not_sees_no_way_to_lead(
    visitors: Visitors, api: httpx.AsyncClient, owner: str
) -> None:
    evening = await scene(api, owner, colour)
    page = await visitors.open(f"{evening.path}/present", token_hex(12), **wall)
    await expect(page.locator("#lobby h1")).to_have_text("Summer party")
    await expect(page.locator("#lobby-qr")).to_be_visible()
    await expect(page.locator("#steering")).to_be_hidden()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#lobby")).to_be_visible()
    assert visitors.troubles == []


async def test_a_phone_keeps_a_half_made_choice_and_comes_back_after_a_while(
    visitors: Visitors, api: httpx.AsyncClient, owner: str
) -> None:
    evening = await scene(api, owner, {"maxChoices": 2, **colour}, hidden)
    page = await visitors.open(evening.path, token_hex(12), forgiven="ERR_|WebSocket", **phone)
    await expect(page.get_by_role("heading", name="You are in")).to_be_visible()
    await evening.step(0)
    await page.get_by_text("green").click()
    await expect(page.get_by_role("button", name="Cast your vote")).to_be_visible()
    await expect(page.get_by_label("green")).to_be_checked()
    title = {"title": "Winter party"}
    address = f"/api/session/update-session/{evening.session['id']}"
    await api.patch(address, json=title, headers=bearer(owner))
    await expect(page.locator("#session-title")).to_have_text("Winter party")
    await expect(page.get_by_label("green")).to_be_checked()
    await page.context.set_offline(True)
    await evening.step(1)
    await page.context.set_offline(False)
    await expect(page.locator("#question")).to_have_text("Who did it?")
    await page.reload()
    await expect(page.locator("#question")).to_have_text("Who did it?")


async def test_the_button_that_casts_the_vote_is_in_reach_on_a_phone(
    visitors: Visitors, api: httpx.AsyncClient, owner: str
) -> None:
    evening = await scene(api, owner, {"texts": [f"Option {n}" for n in range(50)], **colour})
    await evening.step(0)
    page = await visitors.open(evening.path, token_hex(12), **phone)
    await expect(page.get_by_role("button", name="Cast your vote")).to_be_in_viewport(ratio=1)


async def test_what_is_gone_is_said(visitors: Visitors, api: httpx.AsyncClient, owner: str) -> None:
    nowhere = await visitors.open(f"/sessions/{'0' * 24}", owner, **phone)
    await expect(nowhere.locator("#notice")).to_contain_text("There is no such session")
    evening = await scene(api, owner, colour, hidden)
    await evening.step(0)
    # What it was just about to ask of either may be gone by then.
    page = await visitors.open(evening.path, token_hex(12), forgiven="404", **phone)
    await expect(page.locator("#question")).to_have_text("Which colour?")
    poll = evening.session["pollIds"][0]
    await api.delete(f"/api/poll/delete-poll/{poll}", headers=bearer(owner))
    await expect(page.get_by_role("heading", name="This question was deleted")).to_be_visible()
    address = f"/api/session/delete-session/{evening.session['id']}"
    await api.delete(address, headers=bearer(owner))
    await expect(page.locator("#notice")).to_contain_text("This session was deleted")


@pytest.mark.parametrize("texts", [["Yes", "No"], [f"Candidate {n}" for n in range(50)]])
async def test_all_of_a_poll_is_on_the_stage(
    visitors: Visitors, api: httpx.AsyncClient, owner: str, texts: list[str]
) -> None:
    evening = await scene(api, owner, {"texts": texts, **colour})
    await evening.step(0)
    page = await visitors.open(f"{evening.path}/present", owner, **wall)
    await expect(page.locator("#stage.fitted")).to_be_visible()
    await expect(page.locator(".percent").first).to_be_visible()
    await expect(page.locator("#qr")).to_be_visible()
    await page.evaluate("document.fonts.ready")
    await expect(page.locator("#connection")).to_have_text("Live")
    for wrong in (outside, clipped):
        assert await page.evaluate(wrong) == []
    assert await page.evaluate(overlapping) == 0
    await picture(page, f"9-stage-{len(texts)}")
    size = await page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.option-text')).fontSize)"
    )
    assert size >= (48 if len(texts) == 2 else 17)


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_axe_finds_nothing(
    visitors: Visitors, api: httpx.AsyncClient, owner: str, language: str
) -> None:
    evening = await scene(api, owner, colour)
    asked = {"locale": language}
    for path, context in (
        ("/sessions", phone),
        (evening.path, phone),
        (f"{evening.path}/present", wall),
        ("/j/222222", phone),
    ):
        page = await visitors.open(path, owner, forgiven="404", **{**context, **asked})
        await expect(page.locator("h1:visible").first).to_be_visible()
        if path == "/sessions":
            await page.locator("#make").click()
            await expect(page.locator(".session-row")).to_be_visible()
        assert await findings(page) == [], path
        wide = "document.documentElement.scrollWidth > innerWidth"
        assert not await page.evaluate(wide), path
        await picture(page, f"axe-{language}-{path.split('/')[-1]}")
    await evening.step(0)
    for path in (evening.path, f"{evening.path}/present"):
        page = await visitors.open(path, owner, **{**phone, **asked})
        await expect(page.locator("#question")).to_have_text("Which colour?")
        await expect(page.locator(".percent").first).to_be_visible()
        assert await findings(page) == [], path
        await picture(page, f"axe-{language}-running-{path.split('/')[-1]}")
