"""Lost counts are noticed once, and only when they are lost."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from quickpoll.composition import Services
from quickpoll.repair.reconcile import Reconciler
from quickpoll.repair.restored import RestoreWatch


async def test_a_loss_is_noticed_once(services: Services) -> None:
    looked: list[str] = []

    async def recent() -> Iterable[str]:
        looked.append("recent polls")
        return []

    parts = services.counters, services.census, services.fences, services.rebuilder
    restored = RestoreWatch(services.mongo[services.settings.database_name], services.counters)
    reconciler = Reconciler("another", *parts, restored, recent)
    await reconciler.round()
    looked.clear()  # the first round may be the first of all
    for _ in range(3):
        await reconciler.round()
    assert looked == []

    keys = services.counters.keys
    await services.redis.call("DEL", keys.presence("another"), keys.presence("any"))
    for _ in range(3):
        await reconciler.round()
    assert looked == ["recent polls"]


async def test_a_loss_that_is_noticed_while_mongodb_is_away_is_not_forgotten(
    services: Services,
) -> None:
    """The marks are in Redis again, so nobody would notice it another time."""
    away, looked = True, 0

    async def recent() -> Iterable[str]:
        nonlocal looked
        if away:
            raise ServerSelectionTimeoutError("away")
        looked += 1
        return []

    parts = services.counters, services.census, services.fences, services.rebuilder
    restored = RestoreWatch(services.mongo[services.settings.database_name], services.counters)
    reconciler = Reconciler("another", *parts, restored, recent)
    keys = services.counters.keys
    await services.redis.call("DEL", keys.presence("any"))
    with pytest.raises(ServerSelectionTimeoutError):
        await reconciler.round()
    away = False
    for _ in range(3):
        await reconciler.round()
    assert looked == 1
