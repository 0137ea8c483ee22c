"""What a scrape of the metrics reads of the services."""

from __future__ import annotations

from functools import partial

from quickpoll.composition.services import Services
from quickpoll.foundation.stores.mongo import is_reachable
from quickpoll.operations.gauges import Read, Readings


def readings(services: Services, in_hand: Read) -> Readings:
    """What a scrape of the metrics reads."""
    lookups = {"polls": services.polls, "tokens": services.tokens}
    issuer = services.issuer
    return Readings(
        in_hand=in_hand,
        queues={
            "votes": lambda: services.casting.batcher.depth,
            "likes": lambda: services.liking.batcher.depth,
        },
        lookups={
            (name, outcome): partial(getattr, cache, count)
            for name, cache in lookups.items()
            for outcome, count in (("hit", "hits"), ("miss", "misses"))
        },
        socket_clients=lambda: len(services.audience),
        socket_subscriptions=lambda: services.audience.subscriptions,
        redis=lambda: services.redis.available,
        mongodb=lambda: is_reachable(services.mongo),
        limits={
            "votes": services.settings.api_vote_queue,
            "socket_clients": services.settings.api_socket_clients,
        },
        failing=partial(_failing, services),
        skews=lambda: services.store_watch.skews,
        shed_share=lambda: services.overload.share,
        unfinished_indexes=lambda: len(services.schema.unfinished),
        keys_fetched_at=lambda: issuer.fetched_at if issuer else None,
    )


def _failing(services: Services) -> dict[str, str]:
    found = {"mongodb": services.mongo_trouble.failure, "redis": services.redis.failure}
    return {store: one.cause for store, one in found.items() if one is not None}
