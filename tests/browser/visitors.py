"""People at the pages: each has a browser of their own, and what goes wrong there is noted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebSocket

from tests.conftest import sign


@dataclass
class Watch:
    """What a page must never do: complain, ask another host, name a token in an address.

    ``forgiven``: a pattern of the complaints that a test provokes. Chromium itself reports every
    answer of 400 and above, and every request without an answer.
    """

    home: str
    forgiven: str | None
    troubles: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Watch this page from now on."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._note(f"script: {error}"))
        page.on("request", self._see)
        page.on("websocket", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console: {message.text}")

    def _see(self, request: Request | WebSocket) -> None:
        self.asked.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob"):
            return
        if parts.netloc != self.home:
            self._note(f"asked another host: {request.url}")
        if re.search(r"token|eyJ", request.url):
            self._note(f"a token in an address: {request.url}")

    def _note(self, trouble: str) -> None:
        if self.forgiven is None or not re.search(self.forgiven, trouble):
            self.troubles.append(trouble)


class Visitors:
    """Opens pages of one service, each in a context of its own."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.url = url
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.watches: list[Watch] = []

    async def open(
        self,
        path: str,
        user: str | None = None,
        *,
        token: str | None = None,
        forgiven: str | None = None,
        **context: Any,
    ) -> Page:
        """A page as this user sees it; with ``token=""`` as somebody without one."""
        page = await self.blank(forgiven=forgiven, **context)
        given = sign(user) if token is None else token
        await page.goto(f"{self.url}{path}" + (f"#token={given}" if given else ""))
        return page

    async def blank(self, *, forgiven: str | None = None, **context: Any) -> Page:
        """A watched page that shows nothing yet."""
        inside = await self._browser.new_context(**{"locale": "en-GB", **context})
        inside.set_default_timeout(15_000)
        self._contexts.append(inside)
        page = await inside.new_page()
        watch = Watch(urlsplit(self.url).netloc, forgiven)
        watch.follow(page)
        self.watches.append(watch)
        return page

    @property
    def troubles(self) -> list[str]:
        """Everything that went wrong on any page."""
        return [trouble for watch in self.watches for trouble in watch.troubles]

    @property
    def asked(self) -> list[str]:
        """Every address that any page asked for."""
        return [address for watch in self.watches for address in watch.asked]

    async def leave(self) -> None:
        """Close everything."""
        for context in self._contexts:
            await context.close()
