"""Sending traces to a collector (OTLP over HTTP)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from quickpoll import __version__
from quickpoll.foundation.concurrency.daemon_thread import run_in_daemon_thread
from quickpoll.foundation.observability import tracing

log = structlog.get_logger(__name__)

FAREWELL_SECONDS = 1.0
"""What is left of the spans at the end may take this long to be sent, and no longer."""


class Traces:
    """Traces part of the requests, and sends the spans to ``url``; without one does nothing.

    ``share`` is the part (0 to 1) of requests that nobody has decided about; a caller's own
    ``traceparent`` decides for itself.
    """

    def __init__(self, url: str | None, share: float, instance: str) -> None:
        self._url = url
        self._share = share
        self._instance = instance
        self._provider: Any = None

    def start(self) -> None:
        """Trace from now on."""
        if self._url is None:
            return
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = OTLPSpanExporter(endpoint=f"{self._url.rstrip('/')}/v1/traces")
        self._provider = provider_of(self._share, self._instance)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        tracing.trace_with(self._provider.get_tracer("quickpoll", __version__))

    async def aclose(self) -> None:
        """Trace no longer; send what is left, if the collector takes it quickly."""
        if self._provider is None:
            return
        tracing.trace_with(None)
        try:
            await run_in_daemon_thread("traces-farewell", self._provider.shutdown, FAREWELL_SECONDS)
        except TimeoutError:
            log.info("traces_not_sent")


def provider_of(share: float, instance: str) -> Any:
    """A tracer provider that decides as described at :class:`Traces`."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ParentBased

    told = {
        "service.name": "quickpoll",
        "service.version": __version__,
        "service.instance.id": instance,
    }
    sampler = ParentBased(_linked_or(share))
    return TracerProvider(resource=Resource.create(told), sampler=sampler, shutdown_on_exit=False)


def _linked_or(share: float) -> Any:
    """A sampler for spans without a parent: a batch is linked to requests that are traced already,
    so it is traced too; of all else a share."""
    from opentelemetry.sdk.trace.sampling import (
        ALWAYS_ON,
        Sampler,
        SamplingResult,
        TraceIdRatioBased,
    )

    class Linked(Sampler):
        def should_sample(
            self,
            parent_context: Any,
            trace_id: int,
            name: str,
            kind: Any = None,
            attributes: Any = None,
            links: Sequence[Any] | None = None,
            trace_state: Any = None,
        ) -> SamplingResult:
            chosen = ALWAYS_ON if links else TraceIdRatioBased(share)
            return chosen.should_sample(
                parent_context, trace_id, name, kind, attributes, links, trace_state
            )

        def get_description(self) -> str:
            return f"Linked({share})"

    return Linked()
