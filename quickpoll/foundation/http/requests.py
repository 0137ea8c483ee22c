"""Requests whose JSON is read strictly."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from quart import Request
from werkzeug.datastructures import MIMEAccept, MultiDict
from werkzeug.utils import cached_property

from quickpoll.errors import MalformedJson, UnsupportedMediaType, invalid

MOST_BYTES = 64 * 1024


class StrictRequest(Request):
    """Takes ``application/json`` in UTF-8 and nothing else (RFC 8259)."""

    async def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The JSON value of the body.

        Raises :class:`~quickpoll.errors.UnsupportedMediaType`,
        :class:`~quickpoll.errors.MalformedJson`, and 413 for a body over the limit.
        """
        if not _is_json(self.mimetype, self.mimetype_params.get("charset", "utf-8")):
            raise UnsupportedMediaType
        if self.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType("Send the body as it is, without a Content-Encoding.")
        body = await self.get_data(cache=cache)
        return parse_json(body if isinstance(body, bytes) else body.encode())

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The query string. Raises :class:`~quickpoll.errors.InvalidRequest` for a value that is
        not UTF-8, lone surrogates among them."""
        for name, _, value in map(_parts, self.query_string.split(b"&")):
            if not _is_utf_8(name + value):
                raise invalid(name.decode("utf-8", "replace"), "Give text in UTF-8.")
        return super().args


def wants_page(accepted: MIMEAccept) -> bool:
    """Whether a page is asked for rather than data: browsers name HTML first where a person opens
    an address; programs name JSON, anything, or nothing."""
    data = max(accepted.quality(one) for one in ("application/json", "application/problem+json"))
    return accepted.quality("text/html") > data


def wants_data(accepted: MIMEAccept) -> bool:
    """Whether a program asks for JSON, and for no page: whoever names nothing gets the page."""
    data = max(accepted.quality(one) for one in ("application/json", "application/problem+json"))
    return data > accepted.quality("text/html")


def _is_json(mimetype: str, charset: str) -> bool:
    return mimetype == "application/json" and charset.lower() in ("utf-8", "utf8")


def _parts(pair: bytes) -> tuple[bytes, bytes, bytes]:
    return unquote_to_bytes(pair).partition(b"=")


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse_json(body: bytes) -> Any:
    """The JSON value in a body; a byte order mark before it is ignored (RFC 8259, section 8.1).

    Raises :class:`~quickpoll.errors.MalformedJson`.
    """
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MalformedJson from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


View = TypeVar("View", bound=Callable[..., Any])


def answered_within(seconds: float) -> Callable[[View], View]:
    """A view that may take another time than the others do."""

    def mark(view: View) -> View:
        view.answer_seconds = seconds  # type: ignore[attr-defined]
        return view

    return mark
