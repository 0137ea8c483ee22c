"""Under the result: votes over time as a chart and a table, and the result as a picture."""

from __future__ import annotations

import struct
from pathlib import Path
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote


async def test_votes_over_time_are_a_chart_and_a_table_that_says_the_same(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    for place in (0, 1, 1):
        await vote(api, poll, place, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", viewport={"width": 1280, "height": 1200})
    chart = page.get_by_role("img", name="Votes over time")
    await expect(chart.locator(".line")).to_have_count(3)
    await page.get_by_text("The numbers as a table").click()
    table = page.get_by_role("table")
    await expect(table.get_by_role("columnheader")).to_have_text(["Time", "red", "green", "blue"])
    await expect(table.get_by_role("row").last.get_by_role("cell")).to_have_text(["1", "2", "0"])


async def test_without_votes_or_where_results_are_hidden_there_is_no_chart(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12), results="after_close")
    await vote(api, poll, 0, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    await expect(page.locator("#connection")).to_have_text("Live")
    for hidden in ("#over-time", "#pictures"):
        await expect(page.locator(hidden)).to_be_hidden()
    assert not any("poll-timeline" in address for address in visitors.asked)


@pytest.mark.parametrize("locale", ["en-GB", "ar-EG"])
async def test_the_result_is_saved_as_a_picture(
    visitors: Visitors, api: httpx.AsyncClient, tmp_path: Path, locale: str
) -> None:
    texts = ["red & <b>", "a longer one " * 14, "قهوة"]
    poll = await create_poll(api, token_hex(12), question="Which? " * 30, texts=texts)
    for place in (0, 0, 1):
        await vote(api, poll, place, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", locale=locale)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    files = {}
    for kind in ("svg", "png"):
        async with page.expect_download() as saved:
            await page.locator(f"#save-{kind}").click()
        download = await saved.value
        assert download.suggested_filename == f"poll-{poll['id']}.{kind}"
        files[kind] = tmp_path / kind
        await download.save_as(files[kind])
    head = files["png"].read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    assert width == 2400
    assert height > 900
    drawn = files["svg"].read_text("utf-8")
    assert "red &amp; &lt;b&gt;" in drawn
    assert "قهوة" in drawn
    assert ("67%" if locale == "en-GB" else "٦٧٪") in drawn
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")
