"""A lease: one instance at a time, by beats, whatever the clocks say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from quickpoll.composition import Services
from quickpoll.foundation.concurrency.time_limits import LEASE_SECONDS, MARGIN_SECONDS
from quickpoll.foundation.stores.lease import BEAT_SECONDS, Lease


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """What all instances go by."""
    return Clock()


@pytest.fixture
def of(client: object, services: Services, clock: Clock) -> Callable[[str], Lease]:
    """The lease as an instance of that name sees it."""
    return lambda name: Lease(name, services.engine.database["lease"], "of a test", clock)


async def test_one_that_beats_keeps_it(of: Callable[[str], Lease], clock: Clock) -> None:
    first, second = of("first"), of("second")
    assert await first.hold()
    for _ in range(20):
        assert not await second.hold()
        clock.now += BEAT_SECONDS
        assert await first.hold()
        assert (first.held, second.held) == (True, False)


async def test_one_that_is_silent_loses_it_to_one(of: Callable[[str], Lease], clock: Clock) -> None:
    first, second, third = of("first"), of("second"), of("third")
    assert await first.hold()
    assert not await second.hold()
    assert not await third.hold()
    clock.now += LEASE_SECONDS - MARGIN_SECONDS
    assert not first.held  # before anybody else may
    clock.now += 2 * MARGIN_SECONDS
    assert not await second.hold()
    clock.now += 0.01
    # Both have seen the same, and both are about to take it.
    silent = ("first", 1)
    held = await asyncio.gather(*(one._take(silent, clock()) for one in (second, third)))
    assert sorted(held) == [False, True]
    assert [second.held, third.held] == held
    assert not await first.hold()


async def test_one_that_was_silent_too_long_is_followed_by_the_next(
    of: Callable[[str], Lease], clock: Clock
) -> None:
    first, second = of("first"), of("second")
    assert await first.hold()
    assert not await second.hold()
    clock.now += LEASE_SECONDS + 2 * MARGIN_SECONDS
    assert await second.hold()
    assert not await first.hold()


async def test_one_that_holds_it_holds_it_for_all_its_works(
    of: Callable[[str], Lease], clock: Clock
) -> None:
    """They ask at the same time; none of them takes it away from the others."""
    first = of("first")
    for _ in range(3):
        clock.now += BEAT_SECONDS
        assert await asyncio.gather(*[first.hold() for _ in range(8)]) == [True] * 8


async def test_one_that_leaves_gives_it_away_at_once(of: Callable[[str], Lease]) -> None:
    first, second = of("first"), of("second")
    assert await first.hold()
    await first.leave()
    assert not first.held
    assert await second.hold()
    await first.leave()  # no longer its own
    assert not await first.hold()
    assert second.held


async def test_what_another_version_has_written_is_taken_over(
    of: Callable[[str], Lease], services: Services
) -> None:
    old = {"_id": "of a test", "owner": "somebody", "until": "long ago"}
    await services.engine.database["lease"].insert_one(old)
    assert await of("first").hold()
    assert not await of("second").hold()
