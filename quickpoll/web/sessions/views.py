"""The pages of sessions. Like those of polls they carry no data: a script asks the API for it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from quart import Blueprint, Response, request

from quickpoll.errors import NotFound
from quickpoll.foundation.http.requests import wants_page

Render = Callable[..., Awaitable[Response]]

GuestsOf = Callable[[str], Awaitable[str]]
"""What a session says of guests, as far as a visitor may know: ``open``, ``invited``, nothing."""

TEXTS = "session"
"""The part of a catalogue that these pages need beside the common one."""

_SESSION_ID = re.compile("[0-9a-fA-F]{24}")


def add_session_pages(web: Blueprint, render: Render, guests_of: GuestsOf) -> None:
    """The list, what the audience sees, and the stage."""

    @web.get("/sessions", strict_slashes=False)
    async def sessions() -> Response:
        return await render("sessions.html", part=TEXTS)

    @web.get("/sessions/<session_id>", strict_slashes=False)
    async def session(session_id: str) -> Response:
        return await _of_session(render, "session.html", session_id, guests_of)

    @web.get("/sessions/<session_id>/present", strict_slashes=False)
    async def stage(session_id: str) -> Response:
        return await _of_session(render, "session-stage.html", session_id, guests_of)


async def _of_session(
    render: Render, template: str, session_id: str, guests_of: GuestsOf
) -> Response:
    if _SESSION_ID.fullmatch(session_id):
        guests = await guests_of(session_id.lower())
        return await render(template, part=TEXTS, session_id=session_id.lower(), guests=guests)
    if not wants_page(request.accept_mimetypes):
        raise NotFound
    answer = await render("nowhere.html", 404)
    answer.vary.add("Accept")
    return answer
