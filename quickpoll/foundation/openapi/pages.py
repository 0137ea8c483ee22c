"""The OpenAPI document, written once."""

from __future__ import annotations

from typing import Any

from quart import Quart, Response
from quart_schema import QuartSchema, hide

from quickpoll.foundation.http.answers import JSON_MEDIA_TYPE


class Documentation(QuartSchema):
    """quart-schema, which would write the document anew for each request: tens of milliseconds in
    which nobody else is served, for whoever asks."""

    _written: str | None = None
    _json: Any = None

    def init_app(self, app: Quart) -> None:
        """Add the document to an application."""
        super().init_app(app)
        self._json = app.json

    @hide
    async def openapi(self) -> Response:
        """The document."""
        if self._written is None:
            self._written = self._json.dumps(self.openapi_provider.schema())
        return Response(self._written, content_type=JSON_MEDIA_TYPE)
