"""The first load of a page as somebody on a slow phone has it: its size, its time, what jumps.

``python -m bench -s pages`` prints it. Chromium's own protocol slows the network and the processor
down; nothing is in its cache.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import (
    Browser,
    CDPSession,
    Page,
    ViewportSize,
    async_playwright,
)

names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
switches = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
Screen = ViewportSize
phone: Screen = {"width": 360, "height": 740}
projector: Screen = {"width": 1920, "height": 1080}

bytes_a_second = 1_600_000 / 8
delay = 150  # milliseconds there and back
slower = 4  # times

_watch_shifts = """window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""

# The moment is noted by the page, so that what asks for it costs nothing.
_watch_live = """new MutationObserver((_, watch) => {
  if (document.querySelector("#connection[data-state=live]")) {
    window.liveAfter = performance.now();
    watch.disconnect();
  }
}).observe(document, { subtree: true, childList: true, attributes: true });"""


@dataclass(frozen=True)
class FirstLoad:
    """``size``: bytes over the wire, with heads. ``live``: seconds from the click until the page
    is live. ``shift``: how much jumped (CLS).
    """

    size: int
    requests: int
    live: float
    shift: float


async def first_load(
    browser: Browser, address: str, *, slow: bool = True, screen: Screen = phone
) -> FirstLoad:
    """Load a page with an empty cache until it is live, and a little longer."""
    context = await browser.new_context(viewport=screen)
    try:
        page = await context.new_page()
        return await _measure(page, await context.new_cdp_session(page), address, slow)
    finally:
        await context.close()


async def _measure(page: Page, session: CDPSession, address: str, slow: bool) -> FirstLoad:
    sizes: list[int] = []
    await session.send("Network.enable")
    session.on("Network.loadingFinished", lambda one: sizes.append(int(one["encodedDataLength"])))
    if slow:
        await _slow_down(session)
    await page.add_init_script(_watch_shifts + _watch_live)
    await page.goto(address)
    await page.wait_for_function("() => window.liveAfter", timeout=60_000)
    live: float = await page.evaluate("window.liveAfter")
    await page.wait_for_timeout(1_000)  # what comes late may still make it jump
    shift: float = await page.evaluate("window.shift")
    return FirstLoad(sum(sizes), len(sizes), live / 1000, shift)


async def _slow_down(session: CDPSession) -> None:
    network: dict[str, Any] = {"offline": False, "latency": delay}
    network |= {"downloadThroughput": bytes_a_second, "uploadThroughput": bytes_a_second}
    await session.send("Network.emulateNetworkConditions", network)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": slower})


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser | None]:
    """The system's Chromium; ``None`` where there is none."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        yield None
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=switches)
        yield browser
        await browser.close()
