"""Fixtures of the live updates: the service with its Socket.IO clients, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from quickpoll.settings import Settings
from tests.integration.realtime_harness import Live, running


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[Live]:
    """The service on a port of its own, and its screens."""
    async with running(settings) as live:
        yield live


@pytest.fixture
async def rest(live: Live) -> httpx.AsyncClient:
    """A client of the same service over HTTP."""
    return await live.http()
