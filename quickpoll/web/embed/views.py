"""The addresses of what other pages show: the element, and a frame around it.

The number in the element's address stands for what it means: what a page may set, hear and style.
Within it nothing of that changes; something else would get the next number.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache

from quart import Blueprint, Response, request

from quickpoll.errors import PollNotFound
from quickpoll.foundation.http.requests import wants_page
from quickpoll.web import headers
from quickpoll.web.assets import ASK_AGAIN, Assets
from quickpoll.web.content import BEST, Content, content
from quickpoll.web.embed.joined import joined
from quickpoll.web.previews.reading import Previews
from quickpoll.web.texts import Texts

Render = Callable[..., Awaitable[Response]]
Answer = Callable[[Content, str, Mapping[str, str]], Awaitable[Response]]

_POLL_ID = re.compile("[0-9a-fA-F]{24}")


def add_embedding(
    web: Blueprint,
    assets: Assets,
    texts: Mapping[str, Texts],
    render: Render,
    answer: Answer,
    previews: Previews,
) -> None:
    """Add the element and the frame."""

    @cache
    def element() -> Content:
        module = joined(lambda name: assets.served(name).decode(), texts)
        return content(module, is_text=True, level=BEST)

    @web.get("/embed/v1/quick-poll.js")
    async def quick_poll() -> Response:
        found = await asyncio.to_thread(element)
        said = await answer(found, "text/javascript; charset=utf-8", headers.for_any_page())
        said.headers["Cache-Control"] = ASK_AGAIN
        return said

    @web.get("/embed/polls/<poll_id>", strict_slashes=False)
    async def frame(poll_id: str) -> Response:
        if _POLL_ID.fullmatch(poll_id):
            poll_id = poll_id.lower()
            guests = "open" if await previews.admits_everybody(poll_id) else "off"
            return await render("frame.html", poll_id=poll_id, guests=guests)
        if not wants_page(request.accept_mimetypes):
            raise PollNotFound
        return await render("missing.html", 404)
