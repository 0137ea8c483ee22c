"""How long MongoDB takes, and what it refuses: told by the driver, from its own threads."""

from __future__ import annotations

from functools import cache
from typing import Any

from prometheus_client import Counter, Histogram
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from quickpoll.foundation.observability import metrics, tracing


class CommandTimes(CommandListener):
    """Measures every command of a client, and traces those that belong to a trace."""

    def __init__(self) -> None:
        self._spans: dict[int, Any] = {}

    def started(self, event: CommandStartedEvent) -> None:
        """Begin a span, where there is one above it."""
        command = event.command_name
        span = tracing.begun_call(
            f"mongodb {command}",
            db_system_name="mongodb",
            db_operation_name=command,
            db_collection_name=str(event.command.get(command, "")),
        )
        if span is not None:
            self._spans[event.request_id] = span

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Measure it. An insert that met a duplicate has succeeded too."""
        _times(event.command_name).observe(event.duration_micros / 1e6)
        self._end(event.request_id)

    def failed(self, event: CommandFailedEvent) -> None:
        """Measure and count it."""
        _times(event.command_name).observe(event.duration_micros / 1e6)
        _errors(event.command_name).inc()
        self._end(event.request_id)

    def _end(self, request_id: int) -> None:
        span = self._spans.pop(request_id, None) if self._spans else None
        if span is not None:
            span.end()


@cache
def _times(command: str) -> Histogram:
    return metrics.mongodb_times.labels(command)


@cache
def _errors(command: str) -> Counter:
    return metrics.mongodb_errors.labels(command)
