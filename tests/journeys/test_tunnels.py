"""No tunnel past the real nginx: what it forbids and what it logs, it forbids and logs for all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.instances import Instance
from tests.journeys import proxy

h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
websocket = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
last = b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
updates = "/ws/updates/?EIO=4&transport="
paths = (
    "/",
    "/metrics",
    "/docs",
    "/api/poll/get-all-polls",
    "/api/poll/create-poll",
    "/ws/updates/",
    updates + "polling",
    updates + "websocket",
)


@pytest.fixture
def nginx(start_instance: Callable[..., Instance], tmp_path: Path) -> Iterator[proxy.Nginx]:
    """In front of one instance; nobody may read the metrics."""
    nginx = proxy.Nginx((start_instance(API_TRUSTED_PROXIES="1"),) * 2, tmp_path)
    nginx.edit("allow 127.0.0.0/8;", "")
    yield nginx.start()
    nginx.stop()


async def ask(port: int, path: str, fields: str = "", then: bytes = b"") -> bytes:
    """What is answered to a request, to whatever is sent after it, and to one more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode() + then + last)
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@proxy.needs_nginx
async def test_nothing_but_a_websocket_leaves_http(nginx: proxy.Nginx, tmp_path: Path) -> None:
    inside = b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n"
    for path in paths:
        plain = await ask(nginx.port, path)
        # Neither HTTP/2 nor HTTP/1.1 behind it gets any further than without the header.
        for then in (b"", preface, inside):
            answers = await ask(nginx.port, path, h2c, then)
            assert status(answers) == status(plain) != 101
            assert b"quickpoll_" not in answers
    assert status(await ask(nginx.port, "/metrics", h2c)) == 403

    lines = [json.loads(line) for line in await logged(tmp_path, 7 * len(paths) + 2)]
    assert len([line for line in lines if line["path"] == "/metrics"]) == 5 + len(paths)


async def logged(folder: Path, number: int) -> list[str]:
    """The lines of the access log, once there are so many."""
    async with asyncio.timeout(10):
        while len(lines := (folder / "access.log").read_text().splitlines()) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return lines


@proxy.needs_nginx
async def test_a_websocket_passes_where_there_is_one(nginx: proxy.Nginx) -> None:
    for word in ("websocket", "WebSocket"):
        fields = websocket.replace("websocket", word)
        answer = await ask(nginx.port, updates + "websocket", fields)
        assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert status(await ask(nginx.port, updates + "websocket", websocket + "X: y\r\n")) == 101
    assert status(await ask(nginx.port, updates + "polling", websocket)) == 400
    for path in ("/", "/docs", "/api/poll/get-all-polls"):  # an ordinary request elsewhere
        assert status(await ask(nginx.port, path, websocket)) == status(await ask(nginx.port, path))


async def test_the_service_itself_refuses_h2c(start_instance: Callable[..., Instance]) -> None:
    """Whatever stands in front of it."""
    port = start_instance().port
    for path in paths:
        assert status(await ask(port, path, h2c)) == status(await ask(port, path)) != 101
