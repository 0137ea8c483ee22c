"""Lost counts are noticed once, and only when they are lost."""

from __future__ import annotations

from collections.abc import Iterable

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
