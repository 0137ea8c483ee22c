"""The same pages in Firefox: a vote, a stage, another language, long-polling, no storage."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from tests.browser.firefox import Firefox, firefox, installed
from tests.builders import create_poll, look, option, vote
from tests.conftest import sign
from tests.instances import Instance

program = installed()
pytestmark = pytest.mark.skipif(program is None, reason="needs Firefox (firefox-esr)")

live = "document.querySelector('#connection')?.dataset.state === 'live'"


async def _open(window: Firefox, service: Instance, path: str, user: str) -> None:
    await window.go("about:blank")
    await window.go(f"{service.url}{path}#token={sign(user)}")
    await window.until(live)


async def test_a_vote_is_cast_and_what_others_do_is_seen(
    service: Instance, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    user = token_hex(12)
    poll = await create_poll(api, token_hex(12))
    async with firefox(str(program), tmp_path, "en") as window:
        await window.resize(360, 740)
        await _open(window, service, f"/polls/{poll['id']}", user)
        bottom = "document.querySelector('#cast').getBoundingClientRect().bottom <= innerHeight"
        assert await window.evaluate(bottom)
        await window.evaluate("document.querySelectorAll('.option input')[1].click()")
        await window.evaluate("document.querySelector('#cast').click()")
        await window.until("document.querySelector('#own-vote').textContent.includes('is in')")
        assert (await look(api, poll, user))["userVotes"] == [option(poll, 1)]
        await vote(api, poll, 0, token_hex(12))
        await window.until("document.querySelector('#voters').textContent === '2'")
        assert await window.evaluate("document.querySelector('.percent').textContent") == "50%"
        assert await window.evaluate("document.documentElement.scrollWidth") <= 360


async def test_a_stage_shows_fifty_options_without_scrolling(
    service: Instance, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    texts = [f"Candidate {place}" for place in range(50)]
    poll = await create_poll(api, token_hex(12), texts=texts)
    async with firefox(str(program), tmp_path, "en") as window:
        await window.resize(1920, 1080)
        await _open(window, service, f"/polls/{poll['id']}/present", token_hex(12))
        await window.until("document.querySelector('.stage.fitted')")
        outside = (
            "[...document.querySelectorAll('.option, #question, #address')].filter(one =>"
            " one.getBoundingClientRect().bottom > innerHeight"
            " || one.getBoundingClientRect().right > innerWidth).length"
        )
        assert await window.evaluate(outside) == 0
        size = "parseFloat(getComputedStyle(document.querySelector('.option-text')).fontSize)"
        assert await window.evaluate(size) >= 17


async def test_an_arabic_reader_has_their_digits_and_direction(
    service: Instance, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    poll = await create_poll(api, token_hex(12))
    for _ in range(3):
        await vote(api, poll, 0, token_hex(12))
    async with firefox(str(program), tmp_path, "ar-EG, ar, en") as window:
        await _open(window, service, f"/polls/{poll['id']}", token_hex(12))
        assert await window.evaluate("getComputedStyle(document.body).direction") == "rtl"
        await window.until("document.querySelector('#voters').textContent === '٣'")
        assert await window.evaluate("document.querySelector('.count').textContent") == "٣ أصوات"


async def test_the_list_makes_a_poll(
    service: Instance, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    user = token_hex(12)
    async with firefox(str(program), tmp_path, "de") as window:
        await _open(window, service, "/polls", user)
        await window.evaluate("document.querySelector('#make').click()")
        await window.until("document.querySelector('#maker')?.checkVisibility()")
        await window.evaluate(
            "document.querySelector('#new-question').value = 'Wohin?';"
            "[...document.querySelectorAll('#new-options input')]"
            ".forEach((one, place) => { one.value = 'Ort ' + place; });"
            "document.querySelector('#maker-form .primary').click()"
        )
        await window.until("document.querySelector('#question')?.textContent === 'Wohin?'")
        await window.until(live)
