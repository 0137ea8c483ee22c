"""What programs of other services ask for when somebody shares the address of a poll."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from markupsafe import Markup
from quart import Blueprint, Response, request
from quart import url_for as address_of
from werkzeug.exceptions import NotFound

from quickpoll.errors import invalid
from quickpoll.foundation.http.answers import Reply, json_reply
from quickpoll.foundation.openapi.document import PROBLEM_MEDIA_TYPE
from quickpoll.web import headers
from quickpoll.web.content import Content, content
from quickpoll.web.previews.reading import Preview, Previews
from quickpoll.web.previews.sheet import HEIGHT, WIDTH

Answer = Callable[[Content, str, Mapping[str, str]], Awaitable[Response]]

_PATH = re.compile("/(?:embed/)?polls/([0-9a-fA-F]{24})/?(?:present)?/?")
_FRAME = (600, 520)
"""How large the frame of a poll is where nobody asks for another size."""

_FRESH_SECONDS = 60


@dataclass(frozen=True)
class Told:
    """What a page says of its poll to other services; ``picture`` is empty where it has none."""

    address: str
    title: str
    description: str
    oembed: str
    picture: str
    width: int = WIDTH
    height: int = HEIGHT


async def told(previews: Previews, poll_id: str) -> Told | None:
    """What the page of this poll says to other services."""
    preview = await previews.of(poll_id)
    return None if preview is None else _told(preview)


def _told(preview: Preview) -> Told:
    poll = preview.poll
    address = _ours("web.poll", poll_id=str(poll.id))
    picture = _ours("web.picture", poll_id=str(poll.id), v=preview.picture)
    return Told(
        address,
        poll.question,
        " · ".join(one.text for one in poll.options)[:300],
        _ours("web.oembed") + "?" + urlencode({"url": address, "format": "json"}),
        picture if preview.picture else "",
    )


def _ours(endpoint: str, **values: Any) -> str:
    path = address_of(endpoint, **values, _external=False)
    return f"{request.scheme}://{request.host}{path}"


def add_previews(web: Blueprint, previews: Previews, answer: Answer) -> None:
    """Add the picture of a poll, and oEmbed."""

    @web.get("/polls/<poll_id>/picture.png")
    async def picture(poll_id: str) -> Response:
        png = await previews.picture(poll_id)
        if png is None:
            raise NotFound
        found = content(png, is_text=False)
        said = await answer(found, "image/png", headers.shown_anywhere())
        said.headers["Cache-Control"] = f"public, max-age={_FRESH_SECONDS}"
        return said

    @web.get("/oembed")
    async def oembed() -> Response:
        if request.args.get("format", "json").lower() != "json":
            return _only_json().response()
        most = _size("maxwidth"), _size("maxheight")
        preview = await previews.of(_asked(request.args.get("url")))
        if preview is None:
            raise NotFound
        return json_reply(orjson.dumps(_rich(preview, most))).response()


def _only_json() -> Reply:
    """oEmbed 1.0, 2.3.3: a format that is not offered is 501."""
    problem = {
        "type": "about:blank",
        "title": "Not implemented",
        "status": 501,
        "detail": "There is no other format than json.",
        "code": "not_implemented",
    }
    return Reply(501, orjson.dumps(problem), {}, PROBLEM_MEDIA_TYPE)


def _size(name: str) -> int | None:
    given = request.args.get(name)
    if given is None:
        return None
    if not re.fullmatch("[0-9]{1,6}", given) or int(given) < 1:
        raise invalid(name, "Give a whole number of pixels, 1 or more.")
    return int(given)


def _asked(url: str | None) -> str:
    """The id of the poll whose address is asked about; empty for what is no address of ours."""
    if url is None:
        raise invalid("url", "This field is missing.")
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    found = _PATH.fullmatch(parts.path)
    ours = {request.host, request.headers.get("X-Forwarded-Host", "").split(",")[0].strip()}
    return found[1] if found and parts.netloc and parts.netloc in ours else ""


def _rich(preview: Preview, most: tuple[int | None, int | None]) -> dict[str, Any]:
    width, height = (min(one, limit or one) for one, limit in zip(_FRAME, most, strict=True))
    said = _told(preview)
    frame = _ours("web.frame", poll_id=str(preview.poll.id))
    found = {
        "version": "1.0",
        "type": "rich",
        "provider_name": "QuickPoll",
        "provider_url": _ours("web.polls"),
        "title": said.title,
        "html": Markup('<iframe src="{}" title="{}" width="{}" height="{}"></iframe>').format(
            frame, said.title, width, height
        ),
        "width": width,
        "height": height,
        "cache_age": _FRESH_SECONDS,
    }
    if said.picture and said.width <= (most[0] or WIDTH) and said.height <= (most[1] or HEIGHT):
        found |= {
            "thumbnail_url": said.picture,
            "thumbnail_width": said.width,
            "thumbnail_height": said.height,
        }
    return found
