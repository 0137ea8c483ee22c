"""How long MongoDB takes, and what it refuses: told by the driver, from its own threads."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Histogram
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from quickpoll.foundation import metrics


class CommandTimes(CommandListener):
    """Measures every command of a client."""

    def started(self, event: CommandStartedEvent) -> None:
        """Nothing to measure yet."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Measure it. An insert that met a duplicate has succeeded too."""
        _times(event.command_name).observe(event.duration_micros / 1e6)

    def failed(self, event: CommandFailedEvent) -> None:
        """Measure and count it."""
        _times(event.command_name).observe(event.duration_micros / 1e6)
        _errors(event.command_name).inc()


@cache
def _times(command: str) -> Histogram:
    return metrics.mongodb_times.labels(command)


@cache
def _errors(command: str) -> Counter:
    return metrics.mongodb_errors.labels(command)
