"""Requests straight to an ASGI application, and what it answered, byte for byte."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

Fields = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Request:
    """A request as a server hands it on."""

    method: str
    path: str
    fields: dict[str, str] = field(default_factory=dict)
    query: str = ""
    host: str = "polls.example"
    body: bytes = b""
    root_path: str = ""

    def scope(self) -> dict[str, Any]:
        """Its ASGI scope; a new one each time."""
        fields = {"Host": self.host, **self.fields}
        if self.body:
            fields["Content-Length"] = str(len(self.body))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.1"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": self.query.encode(),
            "root_path": self.root_path,
            "headers": [(n.lower().encode(), v.encode("latin-1")) for n, v in fields.items()],
            "client": ("192.0.2.1", 50_000),
            "server": ("192.0.2.2", 80),
        }


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    fields: Fields
    body: bytes


async def ask(app: Any, request: Request, scope: dict[str, Any] | None = None) -> Answered:
    """Send a request; the client stays on the line until it is answered."""
    messages: list[dict[str, Any]] = []
    incoming = [{"type": "http.request", "body": request.body, "more_body": False}]
    answered = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    await app(scope or request.scope(), receive, send)
    start, *parts = messages
    body = b"".join(part.get("body", b"") for part in parts)
    return Answered(start["status"], start["headers"], body)
