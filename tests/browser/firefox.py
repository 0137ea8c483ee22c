"""Debian's Firefox, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/).

Playwright drives only a Firefox of its own; this speaks the standard's few commands itself.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.instances import free_port

names = ("firefox-esr", "firefox")
patience = 30  # seconds, bounds failures only
_preferences = {
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.prefs.recommended": True,
}

# Looks at every frame whether it is so.
_until = """new Promise((resolve, reject) => {{
  const end = performance.now() + {milliseconds};
  const look = () => {{
    if ({condition}) resolve(true);
    else if (performance.now() > end) reject(new Error(document.body.innerText.slice(0, 500)));
    else setTimeout(look, 50);
  }};
  look();
}})"""


class Firefox:
    """One window."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._numbers = itertools.count(1)
        self._window = ""

    async def begin(self) -> None:
        """Begin a session."""
        await self._ask("session.new", capabilities={})
        tree = await self._ask("browsingContext.getTree")
        self._window = tree["contexts"][0]["context"]

    async def go(self, address: str) -> None:
        """Load a page."""
        await self._ask(
            "browsingContext.navigate", context=self._window, url=address, wait="complete"
        )

    async def resize(self, width: int, height: int) -> None:
        """Make the window's inside so large."""
        size = {"width": width, "height": height}
        await self._ask("browsingContext.setViewport", context=self._window, viewport=size)

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression: a number, a text, a truth, or nothing."""
        found = await self._ask(
            "script.evaluate",
            expression=expression,
            target={"context": self._window},
            awaitPromise=True,
        )
        assert found["type"] == "success", found
        return found["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until it is so."""
        await self.evaluate(_until.format(condition=condition, milliseconds=patience * 1000))

    async def _ask(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        await self._wire.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(patience + 10):
            while True:
                said = json.loads(await self._wire.recv())
                if said.get("id") == number:
                    assert said["type"] == "success", said
                    return said["result"]


def installed() -> str | None:
    """The program, where there is one."""
    return next((path for name in names if (path := shutil.which(name))), None)


@asynccontextmanager
async def firefox(program: str, profile: Path, languages: str) -> AsyncIterator[Firefox]:
    """A Firefox whose reader prefers these languages."""
    lines = {**_preferences, "intl.accept_languages": languages}
    text = "".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in lines.items())
    (profile / "user.js").write_text(text)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(program, "--headless", "--no-remote", "--profile", str(profile)),
        *("--remote-debugging-port", str(port), "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            assert process.stderr is not None
            while b"WebDriver BiDi listening" not in await process.stderr.readline():
                assert process.returncode is None
        async with connect(f"ws://127.0.0.1:{port}/session", max_size=None) as wire:
            window = Firefox(wire)
            await window.begin()
            yield window
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
