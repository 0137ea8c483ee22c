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
from quart_schema import validate_querystring

from quickpoll.errors import FormatNotOffered, NotFound
from quickpoll.foundation.http.answers import json_reply
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.web import headers
from quickpoll.web.content import Content, content
from quickpoll.web.previews.bodies import EmbedQuery, RichEmbed
from quickpoll.web.previews.reading import Preview, Previews
from quickpoll.web.previews.sheet import HEIGHT, WIDTH

Send = Callable[[Content, str, Mapping[str, str]], Awaitable[Response]]

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
        _ours("previews.oembed") + "?" + urlencode({"url": address, "format": "json"}),
        picture if preview.picture else "",
    )


def _ours(endpoint: str, **values: Any) -> str:
    path = address_of(endpoint, **values, _external=False)
    return f"{request.scheme}://{request.host}{path}"


def add_previews(web: Blueprint, previews: Previews, answer: Send) -> None:
    """Add the picture of a poll."""

    @web.get("/polls/<poll_id>/picture.png")
    async def picture(poll_id: str) -> Response:
        png = await previews.picture(poll_id)
        if png is None:
            raise NotFound
        found = content(png, is_text=False)
        said = await answer(found, "image/png", headers.shown_anywhere())
        said.headers["Cache-Control"] = f"public, max-age={_FRESH_SECONDS}"
        return said


def blueprint(previews: Previews) -> Blueprint:
    """oEmbed, which programs ask for."""
    views = Blueprint("previews", __name__)

    @views.get("/oembed")
    @validate_querystring(EmbedQuery)
    @documented(
        Answer(200, "What to put into a page.", RichEmbed), errors=(NotFound, FormatNotOffered)
    )
    async def oembed(query_args: EmbedQuery) -> Response:
        """How to embed a poll that is public and open to guests (oEmbed 1.0); of others nothing is
        told, as of those that are not there."""
        if query_args.format != "json":
            raise FormatNotOffered
        preview = await previews.of(_asked(query_args.url))
        if preview is None:
            raise NotFound
        most = query_args.maxwidth, query_args.maxheight
        return json_reply(orjson.dumps(_rich(preview, most))).response()

    return views


def _asked(url: str) -> str:
    """The id of the poll whose address is asked about; empty for what is no address of ours."""
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
