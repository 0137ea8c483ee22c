"""What is read at the moment of a scrape, and costs nothing in between.

One application's own: a process that holds two of them (tests) answers for each by itself.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import time

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from quickpoll import __version__
from quickpoll.foundation.stores.failures import CAUSES

Read = Callable[[], float | None]

STORES = ("redis", "mongodb")


@dataclass(frozen=True)
class Readings:
    """Where to look. A gauge that answers ``None`` has nothing to say."""

    in_hand: Read
    queues: Mapping[str, Read]
    lookups: Mapping[tuple[str, str], Read]
    socket_clients: Read
    socket_subscriptions: Read
    redis: Read
    mongodb: Read
    limits: Mapping[str, float]
    failing: Callable[[], Mapping[str, str]]
    skews: Callable[[], Mapping[str, float]]
    shed_share: Read
    unfinished_indexes: Read
    keys_fetched_at: Read = field(default=lambda: None)


class Gauges(Collector):
    """The gauges of one application."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        """Read them all."""
        read = self._readings
        yield _build()
        yield _one("http_requests_in_hand", "Requests that are being answered", read.in_hand())
        yield _many("queue_items", "Items that wait for a batch", "queue", read.queues)
        yield self._lookups()
        yield _one("socket_clients", "Socket.IO clients of this instance", read.socket_clients())
        yield _one(
            "socket_subscriptions",
            "Polls followed, counted once for each client that follows one",
            read.socket_subscriptions(),
        )
        yield _many(
            "store_available",
            "1 while the store answers, else 0",
            "store",
            {"redis": read.redis, "mongodb": read.mongodb},
        )
        yield from self._troubles()
        yield from self._limits()
        fetched_at = read.keys_fetched_at()
        if fetched_at is not None:
            yield _one(
                "issuer_keys_age_seconds",
                "Time since the issuer's keys were last fetched",
                time() - fetched_at,
            )

    def _troubles(self) -> Iterator[Metric]:
        failing = self._readings.failing()
        family = GaugeMetricFamily(
            "quickpoll_store_failing",
            "1 for the present cause of a store that does not serve us (away, credentials, rights, "
            "tls), else 0",
            labels=("store", "cause"),
        )
        for store in STORES:
            for cause in CAUSES:
                family.add_metric((store, cause), failing.get(store) == cause)
        yield family
        skew = GaugeMetricFamily(
            "quickpoll_clock_skew_seconds",
            "By how much the clock of a store is ahead of this instance's; 0 while it is unknown",
            labels=("store",),
        )
        for store in STORES:
            skew.add_metric((store,), self._readings.skews().get(store, 0.0))
        yield skew
        yield _one(
            "shed_ratio",
            "The part of requests that is refused at present because of overload, 0 to 1",
            self._readings.shed_share(),
        )
        yield _one(
            "unfinished_indexes",
            "Indexes that are still being made, while requests are served",
            self._readings.unfinished_indexes(),
        )

    def _limits(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "quickpoll_limit_items",
            "What this instance takes at most, by its settings: votes that wait, Socket.IO clients",
            labels=("limit",),
        )
        for name, most in self._readings.limits.items():
            family.add_metric((name,), most)
        yield family

    def _lookups(self) -> Metric:
        family = CounterMetricFamily(
            "quickpoll_cache_lookups",
            "Look-ups in memory, by what was looked up (polls, tokens) and outcome (hit, miss)",
            labels=("cache", "outcome"),
        )
        for labels, read in self._readings.lookups.items():
            family.add_metric(labels, read() or 0)
        return family


def registry_of(readings: Readings) -> CollectorRegistry:
    """A registry of an application's own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Gauges(readings))
    return registry


def _build() -> Metric:
    family = GaugeMetricFamily(
        "quickpoll_build_info",
        "Always 1; the labels say what runs here",
        labels=("version", "python"),
    )
    family.add_metric((__version__, platform.python_version()), 1)
    return family


def _one(name: str, meaning: str, value: float | None) -> Metric:
    return GaugeMetricFamily(f"quickpoll_{name}", meaning, value=value or 0)


def _many(name: str, meaning: str, label: str, reads: Mapping[str, Read]) -> Metric:
    family = GaugeMetricFamily(f"quickpoll_{name}", meaning, labels=(label,))
    for value, read in reads.items():
        family.add_metric((value,), read() or 0)
    return family
