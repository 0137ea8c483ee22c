"""What OpenAPI says of the messages themselves (its section ``webhooks``, since 3.1)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from quickpoll.foundation.http.answers import JSON_MEDIA_TYPE
from quickpoll.foundation.openapi.document import QuickPollOpenAPI
from quickpoll.foundation.openapi.schemas import example, reference
from quickpoll.webhooks.events import (
    CLOSED,
    CREATED,
    DELETED,
    REOPENED,
    RESULTS,
    SESSION,
    TEST,
    UPDATED,
)
from quickpoll.webhooks.messages import PollMessage, ResultsMessage, SessionMessage, TestMessage

TAG = "webhooks"

_MESSAGES: dict[str, tuple[str, type[BaseModel]]] = {
    CREATED: ("A poll was created.", PollMessage),
    UPDATED: ("A poll was changed; the poll as it was then.", PollMessage),
    CLOSED: ("A poll was closed, by hand or by its deadline.", PollMessage),
    REOPENED: ("A poll was opened again.", PollMessage),
    DELETED: ("A poll was deleted; the poll as it last was.", PollMessage),
    RESULTS: (
        "The counts of a poll: at most once in 5 s, the last ones always, final ones after the "
        "close.",
        ResultsMessage,
    ),
    SESSION: ("A session has changed; the session as it was then.", SessionMessage),
    TEST: ("What `test-webhook` sends.", TestMessage),
}

_ITEM = "#/components/pathItems/{}"
_SESSION = "#/components/schemas/Session"

_SIGNED = """Signed as Standard Webhooks 1.0 says, with three headers:

- `webhook-id`: the name of the message, the same for every attempt and replay
- `webhook-timestamp`: when this attempt was made, in seconds since 1970
- `webhook-signature`: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body` under the secret"""


class DocumentWithWebhooks(QuickPollOpenAPI):
    """Adds the messages that webhooks get."""

    def schema(self) -> dict[str, Any]:
        """The whole document."""
        document = super().schema()
        components = document["components"]["schemas"]
        # By reference: openapi-generator (7.26) makes operations of what stands here itself, and
        # code of them that is none.
        document["webhooks"] = {kind: {"$ref": _ITEM.format(_name(kind))} for kind in _MESSAGES}
        document["components"]["pathItems"] = {
            _name(kind): {"post": _message(kind, said, model, components)}
            for kind, (said, model) in _MESSAGES.items()
        }
        # Sessions are a room beside this one: what they look like is said there.
        components[SessionMessage.__name__]["properties"]["data"] = {"$ref": _SESSION}
        document["tags"].append(
            {"name": TAG, "description": "Telling other services what happens to polls."}
        )
        return document


def _name(kind: str) -> str:
    return kind.replace(".", "_")


def _message(
    kind: str, said: str, model: type[BaseModel], components: dict[str, Any]
) -> dict[str, Any]:
    shown = {**example(model), "type": kind}
    content = {"schema": reference(model, "serialization", components), "example": shown}
    return {
        "operationId": _name(kind),
        "summary": said,
        "tags": [TAG],
        "security": [],
        "description": _SIGNED,
        "requestBody": {"required": True, "content": {JSON_MEDIA_TYPE: content}},
        "responses": {
            "2XX": {"description": "It was taken."},
            "410": {"description": "No more messages: the webhook is disabled."},
            "default": {"description": "It is sent again later, also where nothing is answered."},
        },
    }
