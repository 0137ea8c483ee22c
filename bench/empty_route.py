"""The service with one more route: an authenticated POST that does nothing.

For measuring what a request costs before anything is done. It is added as the service's own
blueprints are, behind the same guard, and exists only here.

    hypercorn --config hypercorn.toml bench.empty_route:app
"""

from __future__ import annotations

from quart import Blueprint, Quart, Response

from quickpoll.factory import create_app
from quickpoll.settings import settings_or_exit

_answer = b"{}"


def create_measured_app() -> Quart:
    """The application with the empty route."""
    blueprint = Blueprint("bench", __name__, url_prefix="/api/bench")

    @blueprint.post("/empty")
    async def empty() -> Response:
        return Response(_answer, status=201, content_type="application/json")

    app = create_app(settings_or_exit())
    app.register_blueprint(blueprint)
    return app


app = create_measured_app()
