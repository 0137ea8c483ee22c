"""The addresses of the pages. They carry no data: a page's script asks the API for it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from quart import Blueprint, Response, make_response, render_template, request, send_from_directory
from quart import url_for as address_of
from werkzeug.exceptions import NotFound

from quickpoll.errors import PollNotFound
from quickpoll.foundation.http.problems import as_error, problem_reply
from quickpoll.foundation.http.requests import wants_page
from quickpoll.web import headers, qr
from quickpoll.web.assets import ASK_AGAIN, Assets
from quickpoll.web.options import PageOptions

__all__ = ["PageOptions", "blueprint"]

_POLL_ID = re.compile("[0-9a-fA-F]{24}")

Render = Callable[..., Awaitable[Response]]


def blueprint(pages: PageOptions) -> Blueprint:
    """The pages, the files they load, and the documentation of the API."""
    web = Blueprint("web", __name__, template_folder="templates")
    assets = Assets()
    render = partial(_render, assets, pages)
    live_page = partial(render, headers.live_page(pages.frame_ancestors))
    _add_live_pages(web, live_page)
    _add_missing_page(web, live_page)
    _add_documentation(web, render)
    _add_files(web, assets)
    return web


def _add_live_pages(web: Blueprint, render: Render) -> None:
    @web.get("/polls", strict_slashes=False)
    async def polls() -> Response:
        return await render("polls.html")

    @web.get("/polls/<poll_id>", strict_slashes=False)
    async def poll(poll_id: str) -> Response:
        return await _of_poll(render, "poll.html", poll_id)

    @web.get("/polls/<poll_id>/present", strict_slashes=False)
    async def present(poll_id: str) -> Response:
        return await _of_poll(render, "present.html", poll_id)

    @web.get("/polls/<poll_id>/qr.svg")
    async def qr_code(poll_id: str) -> Response:
        return await _qr_code(poll_id)


def _add_missing_page(web: Blueprint, render: Render) -> None:
    @web.app_errorhandler(404)
    async def nothing_here(raised: NotFound) -> Response:
        """An address that nothing answers to: a page for people, a problem document for programs,
        to which everything under ``/api/`` belongs."""
        if wants_page(request.accept_mimetypes) and not request.path.startswith("/api/"):
            answer = await render("nowhere.html", 404)
        else:
            answer = problem_reply(as_error(raised)).response()
        answer.vary.add("Accept")
        return answer


def _add_documentation(web: Blueprint, render: Render) -> None:
    @web.get("/docs", strict_slashes=False)
    async def docs() -> Response:
        return await render(headers.swagger_ui(), "docs.html")

    @web.get("/redoc", strict_slashes=False)
    async def redoc() -> Response:
        return await render(headers.redoc(), "redoc.html")


def _add_files(web: Blueprint, assets: Assets) -> None:
    @web.get("/static/<digest>/<path:name>")
    async def asset(digest: str, name: str) -> Response:
        if name not in assets:
            raise NotFound
        media_type = assets.media_type(name)
        answer = await send_from_directory(assets.root, name, mimetype=media_type)
        answer.headers["Cache-Control"] = assets.cache_control(digest)
        answer.headers.update(headers.asset())
        return answer


async def _render(
    assets: Assets,
    pages: PageOptions,
    policy: Mapping[str, str],
    template: str,
    status: int = 200,
    **values: str,
) -> Response:
    page = await render_template(
        template,
        asset=lambda name: address_of("web.asset", digest=assets.digest, name=name),
        pages=pages,
        **values,
    )
    answer: Response = await make_response(page, status)  # type: ignore[assignment]
    answer.headers.update(policy)
    answer.headers["Cache-Control"] = ASK_AGAIN
    return answer


async def _of_poll(render: Render, template: str, poll_id: str) -> Response:
    if _POLL_ID.fullmatch(poll_id):
        return await render(template, poll_id=poll_id.lower())
    if not wants_page(request.accept_mimetypes):
        raise PollNotFound
    answer = await render("missing.html", 404)
    answer.vary.add("Accept")
    return answer


async def _qr_code(poll_id: str) -> Response:
    forwarded = request.headers.get("X-Forwarded-Host", "").split(",")[0].strip()
    hosts = tuple(host for host in (request.host, forwarded) if host)
    origin = qr.trusted_origin(request.args.get("origin", ""), request.scheme, hosts)
    if origin is None or not _POLL_ID.fullmatch(poll_id):
        raise NotFound
    path = address_of("web.poll", poll_id=poll_id.lower(), _external=False)
    answer = Response(qr.svg(origin + path), 200, headers.asset(), "image/svg+xml")
    answer.headers["Cache-Control"] = "private, max-age=86400"
    return answer
