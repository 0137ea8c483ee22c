"""Fixtures: commands on this test's database, and a service on the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from click.testing import Result

from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from tests.conftest import environment, served
from tests.instances import bare_environment
from tests.integration.cli.commands import Run


@pytest.fixture
def quart(settings: Settings) -> Run:
    """Runs a command on this test's database: in a thread, for it has an event loop of its own."""

    async def run(*arguments: str, **more: Any) -> Result:
        app = create_app(settings.model_copy(update=more))
        runner = app.test_cli_runner()
        return await asyncio.to_thread(runner.invoke, args=list(arguments), prog_name="quart")

    return run


@pytest.fixture
def variables(stores: StoreAddresses, name: str) -> dict[str, str]:
    """The environment of a command in a process of its own."""
    return {**bare_environment(), **environment(stores, name)}


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A service on the same database."""
    async with served(create_app(settings)) as client:
        yield client
