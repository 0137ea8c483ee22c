"""The application: routes, the error handler, commands, Socket.IO and the lifespan."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from functools import lru_cache
from time import time
from typing import Any

import socketio
from quart import Blueprint, Quart, Response, request
from quart_schema import HttpSecurityScheme, Info
from werkzeug.exceptions import HTTPException

from quickpoll import __version__
from quickpoll.auth.guest_routes import check_route
from quickpoll.auth.web import admit
from quickpoll.cli import add_commands
from quickpoll.composition import Services
from quickpoll.composition.readings import readings
from quickpoll.errors import PayloadTooLarge
from quickpoll.fast_path import routes
from quickpoll.fast_path.dispatch import FastPath
from quickpoll.foundation.asyncapi.messages import Event, Request
from quickpoll.foundation.concurrency.time_limits import ANSWER_SECONDS
from quickpoll.foundation.http.origins import OriginFields, allow_origins
from quickpoll.foundation.http.problems import as_error, problem_reply
from quickpoll.foundation.http.request_middleware import UNKNOWN_ROUTE, RequestMiddleware
from quickpoll.foundation.http.requests import MOST_BYTES, StrictRequest
from quickpoll.foundation.observability import metrics
from quickpoll.foundation.observability.logs import configure_logs
from quickpoll.foundation.openapi.pages import Documentation
from quickpoll.guests import views as guests_views
from quickpoll.lifespan import serving
from quickpoll.likes import views as likes_views
from quickpoll.management import views as management_views
from quickpoll.operations import views as operations_views
from quickpoll.operations.gauges import registry_of
from quickpoll.people import views as people_views
from quickpoll.polls import views as polls_views
from quickpoll.realtime import messages as realtime_messages
from quickpoll.realtime import session_messages
from quickpoll.realtime import views as realtime_views
from quickpoll.realtime.server import PATH as SOCKET_PATH
from quickpoll.results import views as results_views
from quickpoll.sessions import invites as session_invites
from quickpoll.sessions import views as sessions_views
from quickpoll.settings import Settings
from quickpoll.sharing import views as sharing_views
from quickpoll.transparency import views as log_views
from quickpoll.votes import views as votes_views
from quickpoll.web import views as web_views
from quickpoll.web.options import PageOptions
from quickpoll.web.previews import views as previews_views
from quickpoll.webhooks import views as webhooks_views
from quickpoll.webhooks.openapi import DocumentWithWebhooks

API_PREFIX = "/api/"


class QuickPoll(Quart):
    """Quart with strict JSON, a time limit on every request and a route that metrics can name."""

    request_class = StrictRequest

    async def full_dispatch_request(self, request_context: Any = None) -> Any:
        """Name the route before anything may refuse the request."""
        asked = request_context.request
        if asked.url_rule is not None:
            asked.scope["quickpoll.route"] = template(asked.url_rule.rule)
        return await super().full_dispatch_request(request_context)

    async def dispatch_request(self, request_context: Any = None) -> Any:
        """Answer within the limit, or raise ``TimeoutError``."""
        async with asyncio.timeout(self._seconds(request_context.request)):
            return await super().dispatch_request(request_context)

    def _seconds(self, asked: Any) -> float:
        view = self.view_functions.get(asked.endpoint or "")
        return getattr(view, "answer_seconds", ANSWER_SECONDS)

    async def make_default_options_response(self) -> Any:
        """Which methods there are, in one order: Quart's own changes from process to process."""
        answer: Any = await super().make_default_options_response()
        answer.allow = sorted(answer.allow)
        return answer


@lru_cache
def template(rule: str) -> str:
    """A rule of Werkzeug's as OpenAPI writes it: ``/<path:file>`` is ``/{file}``."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)


def create_app(
    settings: Settings, *, fast_path: bool = True, clock: Callable[[], float] = time
) -> Quart:
    """A fresh application; nothing is opened before it is served.

    Without the ``fast path`` every route is answered by Quart: the same answers, more slowly.
    """
    configure_logs(settings.log_level, settings.api_log_format)
    services = Services(settings, clock=clock)
    app = QuickPoll("quickpoll", static_folder=None)
    app.extensions["quickpoll"] = services
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.url_map.merge_slashes = False
    _document(app)
    _add_routes(app, services)
    _guard(app, services)
    _render_errors(app)
    allow_origins(app, settings.cors_origins)
    add_commands(app)
    _expect_routes(app)
    _serve(app, services, fast_path=fast_path)
    return app


def _document(app: Quart) -> None:
    Documentation(
        app,
        openapi_path="/openapi.json",
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        info=Info(title="QuickPoll", version=__version__, description=_DESCRIPTION),
        security_schemes={"bearer": HttpSecurityScheme(scheme="bearer", bearer_format="JWT")},
        security=[{"bearer": []}],
        conversion_preference="pydantic",
        openapi_provider_class=DocumentWithWebhooks,
    )


_DESCRIPTION = """Live polls that can be believed: a vote that was acknowledged is never lost and
never counted twice, and every screen shows the new count at once.

Live updates come over Socket.IO at `/ws/updates`; errors are problem documents (RFC 9457)."""


def _add_routes(app: Quart, services: Services) -> None:
    for one in (*_api(services), *_around(app, services)):
        app.register_blueprint(one)


def _api(services: Services) -> tuple[Blueprint, ...]:
    """What programs and pages ask, and webhooks are set up by."""
    return (
        polls_views.blueprint(services.poll_handlers),
        votes_views.blueprint(services.vote_handlers),
        likes_views.blueprint(services.like_handlers),
        results_views.blueprint(services.result_handlers),
        management_views.blueprint(services.changes, services.deletion),
        people_views.blueprint(services.people.handlers),
        guests_views.blueprint(services.guests, services.polls),
        sessions_views.blueprint(services.sessions.handlers),
        session_invites.blueprint(services.guests, services.sessions.store),
        sharing_views.blueprint(services.sharing.handlers),
        log_views.blueprint(services.log_room.files),
        log_views.receipts_blueprint(services.log_room.receipts),
        webhooks_views.blueprint(services.outbox.handlers, on=services.outbox.on),
        realtime_views.blueprint(*live_messages()),
        previews_views.blueprint(services.previews, services.sharing.origin),
    )


def _around(app: Quart, services: Services) -> tuple[Blueprint, ...]:
    """Pages, and what operators look at."""
    settings = services.settings
    token = settings.api_metrics_token
    pages = PageOptions(
        settings.api_frame_ancestors or ("'none'",),
        __version__,
        settings.jwt_user_id_claim,
        settings.jwt_user_ids == "any" or settings.jwt_roles_claim != "roles",
        settings.api_login_url,
        services.offers.guests,
        services.sharing.origin,
        services.offers.logs,
    )
    return (
        operations_views.blueprint(
            services.health,
            registry_of(readings(services, lambda: _middleware_of(app).in_hand)),
            token.get_secret_value() if token else None,
        ),
        web_views.blueprint(
            pages,
            services.guests_of,
            services.session_guests_of,
            services.sharing.handlers,
            services.previews,
        ),
    )


def live_messages() -> tuple[tuple[Event, ...], tuple[Request, ...]]:
    """All that goes over the socket: what each room says of itself in its ``messages``."""
    rooms = (realtime_messages, session_messages)
    events = tuple(one for room in rooms for one in room.EVENTS)
    return events, tuple(one for room in rooms for one in room.REQUESTS)


def _expect_routes(app: Quart) -> None:
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        metrics.expect_route(template(rule.rule), sorted(methods))
    metrics.expect_route(UNKNOWN_ROUTE, ("GET", "POST"))


def _guard(app: Quart, services: Services) -> None:
    @app.before_request
    async def guard() -> None:
        if not request.path.startswith(API_PREFIX) or _is_preflight():
            return
        authorization, address = request.headers.get("Authorization"), request.remote_addr or ""
        caller = await services.enter(authorization, address, writes=_writes())
        admit(caller)
        if request.routing_exception is None:
            check_route(caller, request.method, request.path)
        if request.routing_exception is None and (request.content_length or 0) > MOST_BYTES:
            raise PayloadTooLarge  # also where nobody would read it


def _writes() -> bool:
    """Whether something may be stored for the caller; their erasure itself is none of it."""
    safe = request.method in ("GET", "HEAD", "OPTIONS")
    return not safe and not request.path.startswith("/api/user/")


def _is_preflight() -> bool:
    """A browser asks before it sends a request of another origin (Fetch standard)."""
    asked = {"Origin", "Access-Control-Request-Method"}
    return request.method == "OPTIONS" and asked <= set(request.headers.keys())


def _render_errors(app: Quart) -> None:
    @app.errorhandler(Exception)
    async def render(raised: Exception) -> Response | HTTPException:
        if isinstance(raised, HTTPException) and (raised.code or 500) < 400:
            return raised
        return problem_reply(as_error(raised)).response()


def _serve(app: Quart, services: Services, *, fast_path: bool) -> None:
    @app.while_serving
    async def lifespan() -> AsyncGenerator[None, None]:
        async with serving(services):
            yield

    # Wrapped inside, so that Hypercorn, `quart run` and the test client serve the same thing.
    inner: Any = socketio.ASGIApp(services.sio, app.asgi_app, socketio_path=SOCKET_PATH)
    if fast_path:
        inner = app.extensions["quickpoll.fast_path"] = _fast_path(services, inner)
    app.asgi_app = RequestMiddleware(  # type: ignore[assignment,method-assign]
        inner,
        trusted_proxies=services.settings.api_trusted_proxies,
        prefixes=(SOCKET_PATH,),
        overload=services.overload,
    )


def _middleware_of(app: Quart) -> RequestMiddleware:
    middleware: Any = app.asgi_app
    assert isinstance(middleware, RequestMiddleware)  # noqa: S101 - see _serve
    return middleware


def _fast_path(services: Services, framework: Any) -> FastPath:
    origins = OriginFields(services.settings.cors_origins)
    fast_path = FastPath(framework, services.enter, origins, ANSWER_SECONDS)
    fast_path.add(*routes.voting(services.vote_handlers))
    fast_path.add(*routes.liking(services.like_handlers))
    fast_path.add(*routes.reading(services.result_handlers))
    return fast_path
