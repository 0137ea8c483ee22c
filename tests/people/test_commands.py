"""erase and export-user, as an operator types them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from click.testing import Result

from quickpoll.counting.keys import Keys
from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.factory import create_app
from quickpoll.foundation.stores.holdings import SECTIONS
from quickpoll.polls.models import NOBODY
from quickpoll.settings import Settings
from tests.builders import create_poll
from tests.conftest import served
from tests.instances import free_port
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


@pytest.mark.timeout(40)
async def test_what_a_service_that_died_has_left_in_redis_goes(
    quart: Run, settings: Settings, places: Places
) -> None:
    """A batch that names the person; with no service nobody but the command ends it."""
    async with served(create_app(settings)) as client:
        await live(client, user, others)
        # One on which nothing of the person is found, so that the erasure does nothing to it.
        poll = (await create_poll(client, others))["id"]
    keys = Keys(settings.redis_prefix)
    await places.redis.hset(keys.writes(poll), "dead", f"1 {Mark(MarkKind.VOTES, (user,)).text}")
    await places.redis.zadd(keys.due, {poll: 1})
    done = await quart("erase", user)
    assert done.exit_code == 0, done.stderr
    assert await places.naming(user) == []


async def test_without_redis_it_says_so_and_the_same_again_ends_it(
    quart: Run, settings: Settings, places: Places
) -> None:
    async with served(create_app(settings)) as client:
        await live(client, user, others)
    away = settings.model_copy(update={"api_redis_port": free_port()})
    runner = create_app(away).test_cli_runner()
    done = await asyncio.to_thread(runner.invoke, args=["erase", user], prog_name="quart")
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Redis does not answer" in done.stderr
    held = {place.partition(":")[0] for place in await places.naming(user)}
    assert held <= {"erasure", "uncounted"}
    again = await quart("erase", user)
    assert again.exit_code == 0, again.stderr
    assert await places.naming(user) == []


@pytest.mark.parametrize("command", ["erase", "export-user"])
async def test_nobody_is_no_person(quart: Run, command: str) -> None:
    done = await quart(command, str(NOBODY))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "nobody's" in done.stderr


@pytest.mark.parametrize("command", ["erase", "export-user"])
async def test_what_is_no_id_is_one_line(quart: Run, command: str) -> None:
    done = await quart(command, "somebody")
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "24 hexadecimal digits" in done.stderr
