"""Fixtures: a session of three polls, where guests may be admitted, and a second instance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import create_poll
from tests.conftest import environment, secret, served, settings_from
from tests.integration.session_harness import Evening, an_evening, owner


@pytest.fixture
def settings(stores: Any, name: str) -> Settings:
    """Settings under which guests may be admitted."""
    more = {"API_GUESTS": "on", "API_GUEST_KEY": secret[::-1]}
    return settings_from(environment(stores, name, **more))


@pytest.fixture
async def polls(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Three polls of the owner's."""
    return [await create_poll(client, owner, question=f"Question {n}?") for n in range(3)]


@pytest.fixture
async def evening(client: httpx.AsyncClient, polls: list[dict[str, Any]]) -> Evening:
    """A session of three polls."""
    return await an_evening(client, polls)


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a second instance."""
    async with served(create_app(settings)) as client:
        yield client
