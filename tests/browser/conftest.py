"""A real Chromium at a real service: one of each for all tests, a context for each visitor."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from secrets import token_hex

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from quickpoll.localrun.embedded import StoreAddresses
from tests.browser.visitors import Visitors
from tests.conftest import environment, running_stores
from tests.instances import Instance

here = Path(__file__).parent
names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
switches = [
    "--no-sandbox",  # as root, in a container, the sandbox cannot start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need the browser, and run in the loop that it lives in."""
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program. Without one a person skips these tests; CI fails."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        answer = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        answer(f"needs Chromium: none of {', '.join(names)} is in PATH")
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One browser for all tests."""
    # Generous, because it bounds failures only: what is there is seen at once.
    expect.set_options(timeout=15_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=switches)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def stores() -> Iterator[StoreAddresses]:
    """Those that the one service of all these tests keeps."""
    with running_stores() as addresses:
        yield addresses


@pytest.fixture(scope="session")
def service(stores: StoreAddresses) -> Iterator[Instance]:
    """One instance of the service for all tests that do not harm it."""
    instance = Instance(environment(stores, f"t{token_hex(6)}"))
    try:
        yield instance.start()
    finally:
        instance.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def api(service: Instance) -> AsyncIterator[httpx.AsyncClient]:
    """The service's interface, to set the scene with."""
    async with httpx.AsyncClient(base_url=service.url, timeout=10) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(browser: Browser, service: Instance) -> AsyncIterator[Visitors]:
    """Opens pages; afterwards none of them may have complained or asked elsewhere."""
    visitors = Visitors(browser, service.url)
    yield visitors
    await visitors.leave()
    assert visitors.troubles == []
