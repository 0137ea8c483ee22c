"""The address of the AsyncAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import orjson
from quart import Blueprint, Response
from quart_schema import hide

from quickpoll import __version__
from quickpoll.foundation.asyncapi.document import document
from quickpoll.foundation.asyncapi.messages import Event, Request
from quickpoll.foundation.http.answers import json_reply

_INFO = {
    "title": "QuickPoll, live",
    "version": __version__,
    "description": "Live updates over Socket.IO (protocol 5, Engine.IO 4). An update carries the "
    "whole state, never a difference; a client ignores what is not newer than what it shows "
    "(`version`), and subscribes again after every connection. A message's `name` is its "
    "event's; what a request is acknowledged with is its reply.",
    "license": {"name": "MIT"},
}
_SERVER = {
    "host": "{host}",
    "pathname": "/ws/updates",
    "protocol": "socketio",
    "protocolVersion": "5",
    "description": "WebSocket or long-polling, namespace `/`.",
    "variables": {"host": {"default": "127.0.0.1:8001"}},
    "security": [{"$ref": "#/components/securitySchemes/bearer"}],
}


def blueprint(events: Iterable[Event], requests: Iterable[Request]) -> Blueprint:
    """The description of all that goes over the socket."""
    live = Blueprint("live", __name__)
    said = tuple(events), tuple(requests)

    @live.get("/asyncapi.json")
    @hide
    async def asyncapi() -> Response:
        return json_reply(written(*said)).response()

    return live


@cache
def written(events: tuple[Event, ...], requests: tuple[Request, ...]) -> bytes:
    """The document, written once."""
    return orjson.dumps(document(_INFO, _SERVER, events, requests))
