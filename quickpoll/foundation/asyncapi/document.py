"""The AsyncAPI document (version 3.0.0), from the models that are sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from quickpoll.foundation.asyncapi.messages import Event, Request
from quickpoll.foundation.openapi.schemas import Mode, example, reference

Object = dict[str, Any]

_CHANNEL = "live"
_TO_CHANNEL = {"$ref": f"#/channels/{_CHANNEL}"}


def document(
    info: Object, server: Object, events: Iterable[Event], requests: Iterable[Request]
) -> Object:
    """The whole document; ``server`` describes where and how clients connect."""
    components = _Components()
    operations: Object = {}
    for request in requests:
        operations[_identifier(request.name)] = _received(request, components)
    for event in events:
        message = components.message(str(event.name), event.model, "serialization")
        operations[_identifier(event.name)] = {
            "action": "send",
            "channel": _TO_CHANNEL,
            "summary": event.summary,
            "messages": [message],
        }
    return {
        "asyncapi": "3.0.0",
        "info": info,
        "defaultContentType": "application/json",
        "servers": {"service": server},
        "channels": {_CHANNEL: _channel(components.messages)},
        "operations": operations,
        "components": {
            "messages": components.messages,
            "schemas": components.schemas,
            "securitySchemes": {"bearer": _BEARER},
        },
    }


_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "In `auth: {token}` of the connection, in the header, or as `?token=` in the "
    "address.",
}


def _channel(messages: Iterable[str]) -> Object:
    return {
        "address": "/",
        "title": "Live updates",
        "description": "The only namespace of Socket.IO.",
        "servers": [{"$ref": "#/servers/service"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


class _Components:
    """Messages and schemas, each once."""

    def __init__(self) -> None:
        self.messages: Object = {}
        self.schemas: Object = {}

    def message(self, name: str, model: type[BaseModel], mode: Mode) -> Object:
        """A message, and a reference to it within the channel."""
        self.messages[name] = {
            "name": name,
            "title": model.__name__,
            "summary": (model.__doc__ or "").strip().splitlines()[0],
            "payload": reference(model, mode, self.schemas),
            "examples": [{"payload": example(model)}],
        }
        return {"$ref": f"#/channels/{_CHANNEL}/messages/{name}"}


def _received(request: Request, components: _Components) -> Object:
    asked = components.message(request.name, request.model, "validation")
    operation: Object = {
        "action": "receive",
        "channel": _TO_CHANNEL,
        "summary": request.summary,
        "messages": [asked],
    }
    answers = [
        components.message(f"{request.name}-{kind}", model, "serialization")
        for kind, model in (("answer", request.answer), ("refusal", request.refusal))
        if model is not None
    ]
    if answers:
        operation["reply"] = {"channel": _TO_CHANNEL, "messages": answers}
    return operation


def _identifier(name: str) -> str:
    """``vote-update`` as names of operations are written: ``voteUpdate``."""
    first, *more = name.replace("_", "-").split("-")
    return first + "".join(part.capitalize() for part in more)
