"""The lease: one instance at a time, by beats, whatever the clocks say."""

from __future__ import annotations

import asyncio

from quickpoll.foundation.concurrency.time_limits import LEASE_SECONDS
from quickpoll.people.lease import BEAT_SECONDS, Lease
from tests.people.life import Places


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def two(places: Places) -> tuple[Lease, Lease, Clock]:
    """Two instances that go by one clock; the first one holds the lease."""
    clock = Clock()
    first, second = (Lease(name, places.database, clock) for name in ("first", "second"))  # type: ignore[arg-type]
    assert await first.hold()
    return first, second, clock


async def test_one_that_beats_keeps_it(places: Places) -> None:
    first, second, clock = await two(places)
    for _ in range(20):
        assert not await second.hold()
        clock.now += BEAT_SECONDS
        assert await first.hold()


async def test_one_that_is_silent_loses_it_to_one(places: Places) -> None:
    first, second, clock = await two(places)
    third = Lease("third", places.database, clock)  # type: ignore[arg-type]
    assert not await second.hold()
    assert not await third.hold()
    clock.now += LEASE_SECONDS + 0.1
    # Both have seen the same, and both are about to take it.
    silent = ("first", 1)
    held = await asyncio.gather(second._take(silent), third._take(silent))
    assert sorted(held) == [False, True]
    assert not await first.hold()


async def test_one_that_holds_it_holds_it_for_all_its_works(places: Places) -> None:
    """They ask at the same time; none of them takes it away from the others."""
    first, _, clock = await two(places)
    for _ in range(3):
        clock.now += BEAT_SECONDS
        assert await asyncio.gather(*[first.hold() for _ in range(8)]) == [True] * 8


async def test_one_that_leaves_gives_it_away_at_once(places: Places) -> None:
    first, second, _ = await two(places)
    await first.leave()
    assert await second.hold()
    await first.leave()  # no longer its own
    assert not await first.hold()
