"""The way in by a short code: it leads on, or to a field for another one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from quart import Blueprint, Response, request

from quickpoll.errors import NotFound, RateLimited
from quickpoll.foundation.http.problems import problem_reply
from quickpoll.foundation.http.requests import wants_data

Render = Callable[..., Awaitable[Response]]


class CodeFollower(Protocol):
    """Whoever knows where codes lead to."""

    async def follow(self, typed: str, address: str) -> str | None:
        """The path, ``None`` where a code leads nowhere; raises
        :class:`~quickpoll.errors.RateLimited` after too many of those."""


def add_code_pages(web: Blueprint, render: Render, codes: CodeFollower) -> None:
    """``/j``, the page with the field, and ``/j/{code}``. In capitals, too: people type them."""

    @web.get("/j", strict_slashes=False, endpoint="code")
    @web.get("/J", strict_slashes=False, endpoint="code_in_capitals")
    async def code() -> Response:
        typed = request.args.get("code")
        if typed is None:
            return await render("code.html", typed="", wrong="", wait="")
        return await _follow(render, codes, typed)

    @web.get("/j/<path:code>", endpoint="by_code")
    @web.get("/J/<path:code>", endpoint="by_code_in_capitals")
    async def by_code(code: str) -> Response:
        return await _follow(render, codes, code)


async def _follow(render: Render, codes: CodeFollower, typed: str) -> Response:
    try:
        path = await codes.follow(typed, request.remote_addr or "")
    except RateLimited as error:
        return await _refuse(render, typed, error)
    if path is None:
        return await _refuse(render, typed, NotFound("There is no such code."))
    language = request.args.get("lang")
    where = f"{path}?lang={language}" if language and language.isalpha() else path
    return Response("", 302, {"Location": where, "Cache-Control": "no-store"})


async def _refuse(render: Render, typed: str, error: NotFound | RateLimited) -> Response:
    """The page with the field, which says why; for programs that ask for JSON, a problem."""
    if wants_data(request.accept_mimetypes):
        answer = problem_reply(error).response()
    else:
        reason = "wait" if isinstance(error, RateLimited) else "wrong"
        said = {"wrong": "", "wait": "", reason: "yes"}
        answer = await render("code.html", error.status, typed=typed[:40], **said)
        answer.headers.update(error.headers)
    answer.headers["Cache-Control"] = "no-store"
    answer.vary.add("Accept")
    return answer
