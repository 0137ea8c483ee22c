"""Traces (OpenTelemetry), where somebody collects them; where nobody does, they cost nothing.

One tracer for the process, as OpenTelemetry has it. A request is a span; a batch is one too, linked
to the requests that wait for it, since no request is its only parent; round trips to the stores
are spans below either. Nothing that a caller sent gets into a span but the path.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

_nothing: AbstractContextManager[Any] = nullcontext()
_tracer: Any = None


def trace_with(tracer: Any) -> None:
    """Trace from now on, or (``None``) no longer."""
    global _tracer
    _tracer = tracer


def is_on() -> bool:
    """Whether anything is traced."""
    return _tracer is not None


def here() -> Any:
    """What a batch is linked to: the span that is under way, ``None`` where it is not recorded."""
    if _tracer is None:
        return None
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return context if context.trace_flags.sampled else None


def trace_id() -> str | None:
    """The trace that is under way, for log lines."""
    context = here()
    return None if context is None else f"{context.trace_id:032x}"


def of_request(headers: Iterable[tuple[bytes, bytes]], path: str) -> AbstractContextManager[Any]:
    """A span around a request, below the caller's own where ``traceparent`` names one (W3C)."""
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {n.decode("latin-1"): v.decode("latin-1") for n, v in headers if n[:5] == b"trace"}
    span: AbstractContextManager[Any] = _tracer.start_as_current_span(
        "request",
        context=TraceContextTextMapPropagator().extract(carrier),
        kind=SpanKind.SERVER,
        attributes={"url.path": path},
        record_exception=False,
    )
    return span


def of_batch(name: str, origins: Iterable[Any], size: int) -> AbstractContextManager[Any]:
    """A span around a batch, where one of the requests in it is traced."""
    if _tracer is None:
        return _nothing
    from opentelemetry.trace import Link

    links = [Link(origin) for origin in origins if origin is not None]
    if not links:
        return _nothing
    span: AbstractContextManager[Any] = _tracer.start_as_current_span(
        f"batch {name}", links=links, attributes={"quickpoll.batch.items": size}
    )
    return span


def of_call(name: str, **attributes: str | int) -> AbstractContextManager[Any]:
    """A span around a round trip to a store, below the one that is under way, if any is."""
    if _tracer is None or here() is None:
        return _nothing
    from opentelemetry.trace import SpanKind

    span: AbstractContextManager[Any] = _tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=_dotted(attributes)
    )
    return span


def begun_call(name: str, **attributes: str | int) -> Any:
    """As :func:`of_call`, for whoever hears of the end elsewhere; ``None``, or a span to end."""
    if _tracer is None or here() is None:
        return None
    from opentelemetry.trace import SpanKind

    return _tracer.start_span(name, kind=SpanKind.CLIENT, attributes=_dotted(attributes))


def _dotted(attributes: dict[str, str | int]) -> dict[str, str | int]:
    return {name.replace("_", "."): value for name, value in attributes.items()}
