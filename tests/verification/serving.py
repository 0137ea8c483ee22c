"""A web server for the files of a world, as a service would answer."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Answers(BaseHTTPRequestHandler):
    """Files by their path; the poll for whoever has a token."""

    server: Server

    def do_GET(self) -> None:
        """Answer a request, and remember it."""
        server, path = self.server, self.path.removeprefix("/below/")
        server.asked.append((path, self.headers.get("Authorization")))
        headers: dict[str, str] = {}
        status = 200
        body = server.files.get(path)
        if path in server.answers:
            status, headers = server.answers[path].pop(0)
            if not server.answers[path]:
                del server.answers[path]
        elif path.startswith("api/poll/get-poll-by-id/") and self.headers.get("Authorization"):
            body = json.dumps(server.shown).encode()
        elif body is None:
            status = 404
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body or b""))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A service below ``/below/``; ``answers`` come first where there are any for a path."""

    def __init__(self, files: dict[str, bytes], shown: Any) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.files, self.shown = files, shown
        self.asked: list[tuple[str, str | None]] = []
        self.answers: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self.scheme = "http"

    @property
    def base(self) -> str:
        """Its address."""
        return f"{self.scheme}://localhost:{self.server_port}/below"


@contextmanager
def served(
    files: dict[str, bytes], shown: Any = None, tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Serve until the block ends."""
    with Server(files, shown) as server:
        if tls is not None:
            server.scheme = "https"
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
