"""Traces: off unless somebody collects them; a vote's way through the service where they are on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from quickpoll.factory import create_app
from quickpoll.foundation.observability import tracing
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.operations.traces import provider_of
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, environment, served, settings_from
from tests.instances import free_port

user = "65f1c0ffee0000000000c001"
caller = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def collected() -> Iterator[InMemorySpanExporter]:
    """The spans of everything that is asked during the test, whoever else is traced or not."""
    exporter = InMemorySpanExporter()
    provider = provider_of(0.0, "test")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.trace_with(provider.get_tracer("test"))
    yield exporter
    tracing.trace_with(None)


def named(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


async def test_a_vote_is_followed_through_its_batch_to_the_stores(
    client: httpx.AsyncClient, collected: InMemorySpanExporter
) -> None:
    poll = await create_poll(client, user)
    path = f"/api/poll/vote-on-poll/{poll['id']}/{option(poll, 0)}"
    traced = {"traceparent": f"00-{caller}-b7ad6b7169203331-01"}

    assert (await client.post(path, headers={**bearer(user), **traced})).status_code == 201

    spans = named(collected)
    request = spans["POST /api/poll/vote-on-poll/{poll_id}/{option_id}"]
    batch, insert, redis = (spans[name] for name in ("batch votes", "mongodb insert", "redis"))
    assert request.context is not None
    assert f"{request.context.trace_id:032x}" == caller
    assert dict(request.attributes or {}) == {
        "url.path": path,
        "http.request.method": "POST",
        "http.route": "/api/poll/vote-on-poll/{poll_id}/{option_id}",
        "http.response.status_code": 201,
    }
    assert [link.context.span_id for link in batch.links] == [request.context.span_id]
    assert batch.context is not None
    assert {one.parent and one.parent.span_id for one in (insert, redis)} == {batch.context.span_id}
    assert (insert.attributes or {})["db.collection.name"] == "vote"


async def test_what_nobody_asked_to_trace_is_traced_by_its_share(
    client: httpx.AsyncClient, collected: InMemorySpanExporter
) -> None:
    poll = await create_poll(client, user)
    await vote(client, poll, 0, user)
    unsampled = {"traceparent": f"00-{caller}-b7ad6b7169203331-00"}
    await client.get("/", headers=unsampled)
    await client.get("/", headers={"traceparent": "00-nonsense"})

    assert collected.get_finished_spans() == ()


async def test_no_token_gets_into_a_span(
    client: httpx.AsyncClient, collected: InMemorySpanExporter
) -> None:
    traced = {"traceparent": f"00-{caller}-b7ad6b7169203331-01"}
    headers = {**bearer(user), **traced}
    await client.get("/api/poll/get-all-polls?token=abc.def", headers=headers)

    told = "".join(span.to_json() for span in collected.get_finished_spans())
    assert "get-all-polls" in told
    assert "abc.def" not in told
    assert headers["Authorization"].split()[1] not in told
    assert user not in told


class Collector:
    """A collector of traces on loopback."""

    def __init__(self) -> None:
        self.spans: set[str] = set()
        self.services: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(self.path, body, self.headers.get("Content-Encoding"))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def take(self, path: str, body: bytes, encoding: str | None) -> None:
        """Spans came."""
        assert (path, encoding) == ("/v1/traces", None)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            told = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.services.add(told["service.name"])
            for scope in resource.scope_spans:
                self.spans |= {span.name for span in scope.spans}

    def stop(self) -> None:
        """Go away."""
        self._server.shutdown()
        self._server.server_close()


async def test_spans_arrive_at_a_collector(stores: StoreAddresses, name: str) -> None:
    collector = Collector()
    given = {"API_TRACES_URL": collector.url, "API_TRACES_SHARE": "1"}
    try:
        async with served(create_app(settings_from(environment(stores, name, **given)))) as client:
            poll = await create_poll(client, user)
            await look(client, poll, user)
        assert not tracing.is_on()
        assert collector.services == {"quickpoll"}
        assert {
            "POST /api/poll/create-poll",
            "GET /api/poll/get-poll-by-id/{poll_id}",
            "mongodb insert",
            "batch marks",
        } <= collector.spans
    finally:
        collector.stop()


async def test_an_absent_collector_holds_up_nobody(stores: StoreAddresses, name: str) -> None:
    given = {"API_TRACES_URL": f"http://127.0.0.1:{free_port()}", "API_TRACES_SHARE": "1"}
    async with served(create_app(settings_from(environment(stores, name, **given)))) as client:
        assert (await client.get("/")).status_code == 200
