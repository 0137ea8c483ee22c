"""Fixtures: the service with its Socket.IO clients in this process, the OpenAPI document that it
answers, and an issuer of tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from quickpoll.settings import Settings
from tests.integration.openapi_contract import Document
from tests.integration.realtime_harness import Live, running
from tests.issuers import Publisher, public_jwk


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[Live]:
    """The service on a port of its own, and its screens."""
    async with running(settings) as live:
        yield live


@pytest.fixture
async def rest(live: Live) -> httpx.AsyncClient:
    """A client of the same service over HTTP."""
    return await live.http()


@pytest.fixture
async def document(client: httpx.AsyncClient) -> Document:
    """The OpenAPI document, as it is answered."""
    answer = await client.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    found: Document = answer.json()
    return found


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """An issuer that publishes one key."""
    running = Publisher(public_jwk("RS256")).start()
    yield running
    running.stop()
