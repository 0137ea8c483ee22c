"""Requests whose JSON is read strictly."""

from __future__ import annotations

import json
from typing import Any

from quart import Request

from quickpoll.errors import MalformedJson, UnsupportedMediaType

most_bytes = 64 * 1024


class StrictRequest(Request):
    """Takes ``application/json`` in UTF-8 and nothing else (RFC 8259)."""

    async def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The JSON value of the body.

        Raises :class:`~quickpoll.errors.UnsupportedMediaType`,
        :class:`~quickpoll.errors.MalformedJson`, and 413 for a body over the limit.
        """
        if not self.is_json:
            raise UnsupportedMediaType
        body = await self.get_data(cache=cache)
        return parse_json(body if isinstance(body, bytes) else body.encode())


def parse_json(body: bytes) -> Any:
    """The JSON value in a body. Raises :class:`~quickpoll.errors.MalformedJson`."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MalformedJson from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
