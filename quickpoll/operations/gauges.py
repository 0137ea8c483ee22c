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

Read = Callable[[], float | None]


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
        fetched_at = read.keys_fetched_at()
        if fetched_at is not None:
            yield _one(
                "issuer_keys_age_seconds",
                "Time since the issuer's keys were last fetched",
                time() - fetched_at,
            )

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
