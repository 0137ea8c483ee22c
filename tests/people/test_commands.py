"""erase and export-user, as an operator types them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from click.testing import Result

from quickpoll.factory import create_app
from quickpoll.foundation.stores.holdings import SECTIONS
from quickpoll.settings import Settings
from tests.conftest import served
from tests.people.life import Places, live

user, others = "65f1c0ffee0000000009d001", "65f1c0ffee0000000009d002"

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def quart(settings: Settings) -> Run:
    """Runs a command on this test's database."""

    async def run(*arguments: str) -> Result:
        runner = create_app(settings).test_cli_runner()
        return await asyncio.to_thread(runner.invoke, args=list(arguments), prog_name="quart")

    return run


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A service on the same database."""
    async with served(create_app(settings)) as client:
        yield client


async def test_what_is_held_is_written_to_standard_output(
    quart: Run, service: httpx.AsyncClient
) -> None:
    await live(service, user, others)
    done = await quart("export-user", user.upper())
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == list(SECTIONS)
    assert (len(found["polls"]), len(found["ballots"]), len(found["likes"])) == (3, 3, 3)


@pytest.mark.parametrize("running", [True, False], ids=["with a service", "without a service"])
async def test_a_person_is_erased(
    quart: Run, settings: Settings, places: Places, running: bool
) -> None:
    async with served(create_app(settings)) as client:
        await live(client, user, others)
        if running:
            done = await quart("erase", user)
    if not running:
        done = await quart("erase", user)
    assert done.exit_code == 0, done.stderr
    assert "Erasing" in done.stdout
    assert await places.naming(user) == []


@pytest.mark.parametrize("command", ["erase", "export-user"])
async def test_what_is_no_id_is_one_line(quart: Run, command: str) -> None:
    done = await quart(command, "somebody")
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "24 hexadecimal digits" in done.stderr
