"""Who is leaving, as an instance knows it; and erasures in MongoDB."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import pytest

from quickpoll.composition import Services
from quickpoll.errors import Forbidden
from quickpoll.personal.departures import STALE_SECONDS, Departures
from quickpoll.personal.jobs import ErasureStore
from quickpoll.personal.key import People
from tests.integration.test_lease import Clock


async def look(services: Services) -> tuple[Departures, Clock]:
    """What an instance knows that has just looked, and looks no more by itself."""
    clock = Clock()
    departures = Departures(services.engine, People(services.engine), clock)
    await departures.look()
    return departures, clock


async def test_no_write_goes_by_an_old_look(services: Services) -> None:
    user = token_hex(12)
    departures, clock = await look(services)
    await services.personal.jobs.request(user)
    assert user not in await departures.leaving([user])
    clock.now += STALE_SECONDS + 0.01
    assert user in await departures.leaving([user])
    with pytest.raises(Forbidden):
        await departures.check(user)


async def test_nobody_is_refused_by_an_old_look(services: Services) -> None:
    user, jobs = token_hex(12), services.personal.jobs
    erasure = await jobs.request(user)
    departures, _ = await look(services)
    await jobs.finish(erasure)
    assert user not in await departures.leaving([user])
    await departures.check(user)


async def test_an_instance_that_could_not_look_forgets_who_was_erased_meanwhile(
    services: Services,
) -> None:
    """Cut off for longer than an erasure takes, it still has their tokens and connections."""
    user, jobs = token_hex(12), services.personal.jobs
    departures, clock = await look(services)
    told: list[str] = []
    departures.on_leaving(told.extend)
    await jobs.finish(await jobs.request(user))
    await departures.look()
    assert told == []  # nobody's connections end again and again for an hour
    clock.now += STALE_SECONDS + 0.01
    await departures.look()
    assert told == [user]


async def test_requests_at_the_same_time_are_one_erasure(services: Services) -> None:
    user = token_hex(12)
    stores = [ErasureStore(services.engine, People(services.engine)) for _ in range(6)]
    found = await asyncio.gather(*[one.request(user) for one in stores])
    assert len({one.id for one in found}) == 1


async def test_the_end_of_an_earlier_run_is_not_that_of_a_later_one(services: Services) -> None:
    """An instance that slept with the lease says that it is done, when it was asked for anew."""
    user, jobs = token_hex(12), services.personal.jobs
    first = await jobs.request(user)
    await jobs.finish(first)
    await jobs.again(first, user)
    await jobs.finish(first)
    await jobs.swept(first)
    found = await jobs.get(str(first.id))
    assert found is not None
    assert (found.status, found.runs, str(found.user_id)) == ("running", 2, user)
