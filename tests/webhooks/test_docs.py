"""The receivers of docs/webhooks.md and of the README, run as they are printed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders import create_poll
from tests.checkout import root
from tests.conftest import bearer
from tests.instances import bare_environment, free_port
from tests.webhooks.test_events import act, owner
from tests.webhooks.test_routes import ask

document = (root / "docs" / "webhooks.md").read_text("utf-8")
readme = (root / "README.md").read_text("utf-8")

needs_node = pytest.mark.skipif(
    os.environ.get("CI") != "true" and not shutil.which("node"), reason="needs Node.js"
)


def example(language: str, text: str) -> str:
    """The first block in a language that is about webhooks."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(next(one for one in found if "ebhook" in one))


@asynccontextmanager
async def started(command: list[str]) -> AsyncIterator[asyncio.StreamReader]:
    """A program that ends with the block, and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command, env=bare_environment(), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        await process.communicate()


async def printed(lines: asyncio.StreamReader) -> str:
    """The next line."""
    return (await asyncio.wait_for(lines.readline(), 20)).decode()


async def listens(port: int) -> None:
    """Wait until a program has opened its port."""
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def test_the_readme_does_it_in_ten_lines() -> None:
    lines = [one for one in example("python", readme).splitlines() if one]
    assert len(lines) <= 10


def in_python(place: Path, text: str, port: int) -> list[str]:
    """The command that runs a receiver in Python."""
    (place / "receive.py").write_text(example("python", text).replace("9000", str(port)))
    return [sys.executable, str(place / "receive.py")]


def in_typescript(place: Path, text: str, port: int) -> list[str]:
    """The command that runs the one in TypeScript, in which Node.js finds nothing to strip."""
    (place / "receive.mjs").write_text(example("ts", text).replace("9000", str(port)))
    return ["node", str(place / "receive.mjs")]


@pytest.mark.parametrize(
    ("program", "text"),
    [
        pytest.param(in_python, document, id="python"),
        pytest.param(
            in_typescript, document, id="typescript", marks=[needs_node, pytest.mark.node]
        ),
        pytest.param(in_python, readme, id="readme"),
    ],
)
async def test_a_receiver_prints_what_it_is_told(
    client: httpx.AsyncClient, tmp_path: Path, program: Any, text: str
) -> None:
    (asked,) = re.findall(r"-d '(\{\"url\".*\})'", text)
    port = free_port()
    body = asked.replace("9000", str(port))
    headers = {**bearer(owner), "Content-Type": "application/json"}
    path = "/api/webhook/create-webhook"
    made = (await client.post(path, content=body, headers=headers)).json()
    async with started([*program(tmp_path, text, port), made["secret"]]) as lines:
        await listens(port)
        poll = await create_poll(client, owner)
        await act(client, "POST", "close-poll", poll)
        assert (await printed(lines)).startswith("poll.closed")
        assert (await printed(lines)).startswith("poll.results")
        forged = {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,YQ=="}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as forger:
            try:
                refused = await forger.post("/", content=b'{"type": "poll.closed"}', headers=forged)
                assert refused.status_code >= 400
            except httpx.RemoteProtocolError:
                pass  # what raises answers nothing
        test = await ask(client, "POST", f"test-webhook/{made['id']}")
        assert test.status_code == 202
        assert (await printed(lines)).startswith("webhook.test")
