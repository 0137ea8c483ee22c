"""Answers as bytes: encoded once, never validated again."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson
from quart import Response

JSON_MEDIA_TYPE = "application/json"


@dataclass(slots=True)
class Reply:
    """What a route answers, before any framework has seen it.

    Without a ``media_type`` there is nothing to say: neither type nor length (RFC 9110, 8.6).
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str | None = JSON_MEDIA_TYPE

    def response(self) -> Response:
        """The same as Quart sends it."""
        response = Response(self.body, self.status, self.headers, content_type=self.media_type)
        if self.media_type is None:
            del response.headers["Content-Type"]
            del response.headers["Content-Length"]
        return response

    def fields(self) -> list[tuple[bytes, bytes]]:
        """The header fields as :meth:`response` has them, for ASGI."""
        found = [(n.lower().encode(), value.encode()) for n, value in self.headers.items()]
        if self.media_type is not None:
            length = b"%d" % len(self.body)
            found += (b"content-type", self.media_type.encode()), (b"content-length", length)
        return found


def json_reply(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """A JSON reply; ``bytes`` are taken as encoded already."""
    encoded = body if isinstance(body, bytes) else orjson.dumps(body)
    return Reply(status, encoded, headers or {})


def nothing(status: int, headers: dict[str, str] | None = None) -> Reply:
    """204 or 304: a status, and nothing to say."""
    return Reply(status, b"", headers or {}, None)


def joined(bodies: list[bytes]) -> bytes:
    """A JSON array of bodies that are encoded already."""
    return b"[" + b",".join(bodies) + b"]"
