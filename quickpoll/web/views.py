"""The addresses of the pages. They carry no data: a page's script asks the API for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from quart import Blueprint, Response, render_template, request
from quart import url_for as address_of
from quart_cors import cors_exempt
from werkzeug.exceptions import NotFound

from quickpoll.errors import PollNotFound
from quickpoll.foundation.http.problems import as_error, problem_reply
from quickpoll.foundation.http.public_origin import PublicOrigin
from quickpoll.foundation.http.requests import wants_page
from quickpoll.web import headers, qr
from quickpoll.web.assets import ASK_AGAIN, Assets
from quickpoll.web.codes.views import CodeFollower, add_code_pages
from quickpoll.web.content import Content, content
from quickpoll.web.embed.views import add_embedding
from quickpoll.web.options import PageOptions
from quickpoll.web.previews.reading import Previews
from quickpoll.web.previews.views import add_previews, told
from quickpoll.web.sessions.views import add_session_pages
from quickpoll.web.texts import Texts, chosen, read_all

__all__ = ["PageOptions", "blueprint"]

FOR_PROGRAMS = ("/api/", "/log/")

_POLL_ID = re.compile("[0-9a-fA-F]{24}")
_CODE = re.compile("[0-9A-Z]{6}")

Render = Callable[..., Awaitable[Response]]


GuestsOf = Callable[[str], Awaitable[str]]
"""What a poll says of guests, as far as a visitor may know: ``open``, ``invited``, or nothing."""


def blueprint(
    pages: PageOptions,
    guests_of: GuestsOf,
    session_guests_of: GuestsOf,
    codes: CodeFollower,
    previews: Previews,
) -> Blueprint:
    """The pages, the files they load, and the documentation of the API."""
    web = Blueprint("web", __name__, template_folder="templates")
    texts = read_all()
    made = {
        _texts_file(one, part): module
        for one in texts
        for part, module in texts[one].modules.items()
    }
    assets = Assets(made=made | {f"texts/{one}-later.js": texts[one].later for one in texts})
    render = partial(_render, assets, texts, pages)
    live_page = partial(render, headers.live_page(pages.frame_ancestors))
    _add_live_pages(web, live_page, guests_of, previews)
    _add_qr_codes(web, pages.public_origin)
    add_session_pages(web, live_page, session_guests_of)
    add_code_pages(web, partial(render, headers.form_page(pages.frame_ancestors)), codes)
    _add_missing_page(web, live_page)
    _add_documentation(web, render)
    add_embedding(web, assets, texts, live_page, _answer, previews)
    add_previews(web, previews, _answer)
    _add_files(web, assets)
    return web


def _add_live_pages(
    web: Blueprint, render: Render, guests_of: GuestsOf, previews: Previews
) -> None:
    @web.get("/polls", strict_slashes=False)
    async def polls() -> Response:
        return await render("polls.html")

    @web.get("/polls/<poll_id>", strict_slashes=False)
    async def poll(poll_id: str) -> Response:
        said = await told(previews, poll_id)
        return await _of_poll(render, "poll.html", poll_id, guests_of, told=said)

    @web.get("/polls/<poll_id>/present", strict_slashes=False)
    async def present(poll_id: str) -> Response:
        return await _of_poll(render, "present.html", poll_id, guests_of)


def _add_qr_codes(web: Blueprint, public: PublicOrigin) -> None:
    @web.get("/polls/<poll_id>/qr.svg")
    async def qr_code(poll_id: str) -> Response:
        if not _POLL_ID.fullmatch(poll_id):
            raise NotFound
        return await _qr_code(address_of("web.poll", poll_id=poll_id.lower()), public)

    @web.get("/sessions/<session_id>/qr.svg")
    async def qr_of_session(session_id: str) -> Response:
        if not _POLL_ID.fullmatch(session_id):
            raise NotFound
        return await _qr_code(address_of("web.session", session_id=session_id.lower()), public)

    @web.get("/j/<code>/qr.svg")
    async def qr_of_code(code: str) -> Response:
        if not _CODE.fullmatch(code):
            raise NotFound
        return await _qr_code(address_of("web.by_code", code=code), public)


def _add_missing_page(web: Blueprint, render: Render) -> None:
    @web.app_errorhandler(404)
    async def nothing_here(raised: NotFound) -> Response:
        """An address that nothing answers to: a page for people, a problem document for programs,
        to which everything under ``/api/`` and ``/log/`` belongs."""
        if wants_page(request.accept_mimetypes) and not request.path.startswith(FOR_PROGRAMS):
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
    # Without a word to pages of other origins: our own load many files, and ask for none of it.
    # Whoever says where they are from may have them: a frame without an origin does.
    @web.get("/static/<digest>/<path:name>")
    @cors_exempt
    async def asset(digest: str, name: str) -> Response:
        if name not in assets:
            raise NotFound
        found = await asyncio.to_thread(assets.content, name)
        answer = await _answer(found, assets.media_type(name), headers.of_file(name))
        answer.headers["Cache-Control"] = assets.cache_control(digest)
        answer.vary.add("Origin")
        if "Origin" in request.headers:
            answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer


def _texts_file(language: str, part: str = "") -> str:
    return f"texts/{language}-{part}.js" if part else f"texts/{language}.js"


async def _render(
    assets: Assets,
    texts: Mapping[str, Texts],
    pages: PageOptions,
    policy: Mapping[str, str],
    template: str,
    status: int = 200,
    part: str = "",
    **values: Any,
) -> Response:
    asset = partial(address_of, "web.asset", digest=assets.digest)
    language = chosen(request.args.get("lang", ""), request.accept_languages.values())
    page = await render_template(
        template,
        asset=lambda name: asset(name=name),
        here=_here,
        modules=assets.modules,
        origin=pages.public_origin.instead_of(request.host_url),
        pages=pages,
        t=texts[language],
        texts_address=asset(name=_texts_file(language, part)),
        **values,
    )
    found = content(page.encode(), is_text=True)
    answer = await _answer(found, "text/html; charset=utf-8", policy, status)
    answer.headers["Cache-Control"] = ASK_AGAIN
    answer.headers["Content-Language"] = language
    answer.vary.add("Accept-Language")
    return answer


def _here(endpoint: str, **values: Any) -> str:
    """The address of a page, in the language that was asked for on this one."""
    return address_of(endpoint, **values, lang=request.args.get("lang"))


async def _answer(
    found: Content, media_type: str, policy: Mapping[str, str], status: int = 200
) -> Response:
    """The content as the caller takes it; nothing of it where they have it already."""
    coding = found.coding(request.accept_encodings)
    body = found.packed[coding] if coding else found.plain
    answer = Response(body, status, dict(policy), content_type=media_type)
    if coding:
        answer.headers["Content-Encoding"] = coding
    answer.vary.add("Accept-Encoding")
    if status == 200:
        answer.set_etag(found.tag, weak=True)
        await answer.make_conditional(request)
    return answer


async def _of_poll(
    render: Render, template: str, poll_id: str, guests_of: GuestsOf, **values: Any
) -> Response:
    if _POLL_ID.fullmatch(poll_id):
        guests = await guests_of(poll_id.lower())
        return await render(template, poll_id=poll_id.lower(), guests=guests, **values)
    if not wants_page(request.accept_mimetypes):
        raise PollNotFound
    answer = await render("missing.html", 404)
    answer.vary.add("Accept")
    return answer


async def _qr_code(path: str, public: PublicOrigin) -> Response:
    forwarded = request.headers.get("X-Forwarded-Host", "").split(",")[0].strip()
    hosts = tuple(host for host in (request.host, forwarded) if host)
    origin = qr.trusted_origin(request.args.get("origin", ""), request.scheme, hosts)
    if origin is None:
        raise NotFound
    code = content(qr.svg(public.of(origin) + path), is_text=True)
    answer = await _answer(code, "image/svg+xml", headers.image())
    answer.headers["Cache-Control"] = "private, max-age=86400"
    return answer
