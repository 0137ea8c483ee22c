"""A service whose polls another site may show, and people at that site."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from secrets import token_hex

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from quickpoll.localrun.embedded import StoreAddresses
from tests.browser.visitors import Visitors
from tests.conftest import environment
from tests.instances import Instance, free_port


@pytest.fixture(scope="module")
def port() -> int:
    """The port of the other site."""
    return free_port()


@pytest.fixture(scope="module")
def more() -> dict[str, str]:
    """Further variables of the service: a module has its own."""
    return {}


@pytest.fixture(scope="module")
def embedded(stores: StoreAddresses, port: int, more: dict[str, str]) -> Iterator[Instance]:
    """A service whose polls that site may show."""
    asked = {"API_FRAME_ANCESTORS": f"http://127.0.0.1:{port}", **more}
    instance = Instance(environment(stores, f"t{token_hex(6)}", **asked))
    try:
        yield instance.start()
    finally:
        instance.close()


@pytest_asyncio.fixture(loop_scope="session")
async def polls(embedded: Instance) -> AsyncIterator[httpx.AsyncClient]:
    """The interface of that service."""
    async with httpx.AsyncClient(base_url=embedded.url, timeout=10) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def guests(browser: Browser, embedded: Instance) -> AsyncIterator[Visitors]:
    """People at the other site."""
    visitors = Visitors(browser, embedded.url)
    yield visitors
    await visitors.leave()
    assert visitors.troubles == []
