"""``/``, health, readiness and metrics: open to all."""

from __future__ import annotations

import asyncio
from hmac import compare_digest

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from pydantic import BaseModel, ConfigDict
from quart import Blueprint, Response, request, url_for

from quickpoll import __version__
from quickpoll.auth.bearer import bearer
from quickpoll.errors import InvalidToken, MissingToken, Unavailable
from quickpoll.foundation.http.answers import Reply, json_reply
from quickpoll.foundation.http.requests import wants_page
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.operations.health import Health


class ServiceBody(BaseModel):
    """Which service this is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"service": "quickpoll", "status": "ok", "version": __version__}]
        }
    )

    service: str
    status: str
    version: str


class LiveBody(BaseModel):
    """The process runs."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "live"}]})

    status: str


class ReadyBody(BaseModel):
    """``ready``, or ``degraded`` with what is missing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"status": "ready"}, {"status": "degraded", "degraded": ["redis"]}]
        }
    )

    status: str
    degraded: list[str] = []
    reasons: dict[str, str] = {}
    """Of what does not come back by itself."""


def blueprint(health: Health, registry: CollectorRegistry, metrics_token: str | None) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("operations", __name__)

    @views.get("/")
    @documented(
        Answer(200, "The service.", ServiceBody),
        Answer(303, "To the page with the polls.", headers={"Location": "where it is"}),
    )
    async def service() -> Response:
        """Name, status and version of the service; a browser that asks for HTML is led to the
        polls."""
        if wants_page(request.accept_mimetypes):
            return Response("", 303, {"Location": url_for("web.polls"), "Vary": "Accept"})
        body = {"service": "quickpoll", "status": "ok", "version": __version__}
        return json_reply(body, headers={"Vary": "Accept"}).response()

    @views.get("/health/live")
    @documented(Answer(200, "The process runs.", LiveBody))
    async def live() -> Response:
        """Whether the process runs."""
        return json_reply({"status": "live"}).response()

    @views.get("/health/ready")
    @documented(Answer(200, "Requests are served.", ReadyBody), errors=(Unavailable,))
    async def ready() -> Response:
        """Whether requests are served: 503 while MongoDB is away, `degraded` while Redis is."""
        await health.check()
        return json_reply(_readiness(health.degraded())).response()

    @views.get("/metrics")
    @documented(
        Answer(200, "Metrics.", texts={"text/plain": "# HELP …"}),
        errors=(MissingToken, InvalidToken),
    )
    async def metrics() -> Response:
        """Metrics in Prometheus' text format."""
        if metrics_token is not None:
            given = bearer(request.headers.get("Authorization"))
            if not compare_digest(given.encode(), metrics_token.encode()):
                raise InvalidToken
        # The process's own are many: they are written out beside the loop.
        counted = await asyncio.to_thread(generate_latest, REGISTRY)
        body = counted + generate_latest(registry)
        return Reply(200, body, media_type=CONTENT_TYPE_LATEST).response()

    return views


def _readiness(degraded: dict[str, str]) -> dict[str, object]:
    if not degraded:
        return {"status": "ready"}
    reasons = {name: reason for name, reason in degraded.items() if reason}
    more: dict[str, object] = {"reasons": reasons} if reasons else {}
    return {"status": "degraded", "degraded": list(degraded), **more}
