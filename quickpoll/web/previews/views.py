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
from quickpoll.foundation.http.public_origin import PublicOrigin, is_loopback
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.web import headers
from quickpoll.web.content import Content, content
from quickpoll.web.previews.bodies import EmbedQuery, RichEmbed
from quickpoll.web.previews.reading import Preview, Previews
from quickpoll.web.previews.sheet import HEIGHT, WIDTH
from quickpoll.web.qr import trusted_origin

Send = Callable[[Content, str, Mapping[str, str]], Awaitable[Response]]

_OF_A_POLL = re.compile("/(?:embed/)?polls/([0-9a-fA-F]{24})/?(?:present)?/?")
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
    return None if preview is None else _told(preview, f"{request.scheme}://{request.host}")


def _told(preview: Preview, origin: str) -> Told:
    poll = preview.poll
    address = origin + _path("web.poll", poll_id=str(poll.id))
    picture = origin + _path("web.picture", poll_id=str(poll.id), v=preview.picture)
    return Told(
        address,
        poll.question,
        " · ".join(one.text for one in poll.options)[:300],
        origin + _path("previews.oembed") + "?" + urlencode({"url": address, "format": "json"}),
        picture if preview.picture else "",
    )


def _path(endpoint: str, **values: Any) -> str:
    return address_of(endpoint, **values, _external=False)


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


def blueprint(previews: Previews, public: PublicOrigin) -> Blueprint:
    """oEmbed, which programs ask for. ``public`` is another origin at which this service is."""
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
        origin, poll_id = _asked(query_args.url, public)
        preview = await previews.of(poll_id)
        if preview is None:
            raise NotFound
        most = query_args.maxwidth, query_args.maxheight
        return json_reply(orjson.dumps(_rich(preview, origin, most))).response()

    return views


def _asked(url: str, public: PublicOrigin) -> tuple[str, str]:
    """Our origin as an address names it, and the id of its poll; empty for one that is not ours."""
    try:
        parts = urlsplit(url)
        found = _OF_A_POLL.fullmatch(parts.path)
        origin = _ours(f"{parts.scheme}://{parts.netloc}", public) if found else None
    except ValueError:
        return "", ""
    return (origin, found[1]) if found and origin else ("", "")


def _ours(claimed: str, public: PublicOrigin) -> str | None:
    """That origin, where it is one of this service's: the one that was asked, the one at which
    others reach it, or another name of this machine. Raises ``ValueError``."""
    forwarded = request.headers.get("X-Forwarded-Host", "").split(",")[0].strip()
    hosts = [request.host, forwarded, urlsplit(public.elsewhere or "").netloc]
    asked, wanted = urlsplit(request.host_url), urlsplit(claimed)
    if is_loopback(request.host_url) and is_loopback(claimed) and asked.port == wanted.port:
        hosts.append(wanted.netloc)
    return trusted_origin(claimed, request.scheme, tuple(host for host in hosts if host))


def _rich(preview: Preview, origin: str, most: tuple[int | None, int | None]) -> dict[str, Any]:
    width, height = (min(one, limit or one) for one, limit in zip(_FRAME, most, strict=True))
    said = _told(preview, origin)
    frame = origin + _path("web.frame", poll_id=str(preview.poll.id))
    found = {
        "version": "1.0",
        "type": "rich",
        "provider_name": "QuickPoll",
        "provider_url": origin + _path("web.polls"),
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
