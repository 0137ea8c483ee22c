"""The service with two more routes: authenticated POSTs that do nothing.

For measuring what a request costs before anything is done: one is a blueprint's, answered by
Quart, the other is answered by the fast path as votes are. Both stand behind the same guard, and
exist only here.

    hypercorn --config hypercorn.toml bench.empty_route:app
"""

from __future__ import annotations

from quart import Blueprint, Quart, Response

from quickpoll.auth.caller import Caller
from quickpoll.factory import create_app
from quickpoll.fast_path.dispatch import Route
from quickpoll.fast_path.requests import Asked
from quickpoll.foundation import http1
from quickpoll.foundation.http.answers import Reply, json_reply
from quickpoll.settings import settings_or_exit

_answer = b"{}"


async def _nothing(caller: Caller, asked: Asked) -> Reply:
    return json_reply(_answer, 201)


def create_measured_app() -> Quart:
    """The application with the empty routes."""
    blueprint = Blueprint("bench", __name__, url_prefix="/api/bench")

    @blueprint.post("/empty")
    async def empty() -> Response:
        return json_reply(_answer, 201).response()

    app = create_app(settings_or_exit())
    app.register_blueprint(blueprint)
    app.extensions["quickpoll.fast_path"].add(Route("empty", (), ("POST",), _nothing))
    return app


http1.install()
app = create_measured_app()
