"""The routes of the fast path, each by the same handler as in its blueprint."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl

from pydantic import ValidationError

from quickpoll.auth.caller import Caller
from quickpoll.fast_path.dispatch import Route
from quickpoll.fast_path.requests import Asked
from quickpoll.foundation.http.answers import Reply
from quickpoll.likes.handlers import LikeHandlers
from quickpoll.likes.rules import Act
from quickpoll.results.bodies import PollQuery
from quickpoll.results.handlers import ResultHandlers
from quickpoll.results.links import next_link
from quickpoll.votes.handlers import VoteHandlers

_PLAIN_QUERY = re.compile(rb"[A-Za-z0-9_=&-]{0,200}")

GET = ("GET", "HEAD")


def voting(handlers: VoteHandlers) -> list[Route]:
    """Votes."""

    async def vote(caller: Caller, asked: Asked) -> Reply:
        return await handlers.vote(caller, *asked.ids)

    return [Route("vote-on-poll", ("poll_id", "option_id"), ("POST",), vote)]


def liking(handlers: LikeHandlers) -> list[Route]:
    """Likes."""

    def route(method: str, act: Act) -> Route:
        async def like(caller: Caller, asked: Asked) -> Reply:
            return await handlers.act(caller, asked.ids[0], act)

        return Route("like-poll", ("poll_id",), (method,), like)

    acts = {"POST": Act.TOGGLE, "PUT": Act.SET, "DELETE": Act.UNSET}
    return [route(method, act) for method, act in acts.items()]


def reading(handlers: ResultHandlers) -> list[Route]:
    """One poll, and pages of public polls."""

    async def poll(caller: Caller, asked: Asked) -> Reply:
        return await handlers.poll(caller, asked.ids[0], asked.field(b"if-none-match"))

    async def page(caller: Caller, asked: Asked) -> Reply:
        query = _query(asked.scope["query_string"])
        assert query is not None  # noqa: S101 - _is_plain took the request
        return await handlers.all(caller, query, next_link(query, asked.address))

    return [
        Route("get-poll-by-id", ("poll_id",), GET, poll),
        Route("get-all-polls", (), GET, page, _asks_plainly),
    ]


def _asks_plainly(asked: Asked) -> bool:
    return _query(asked.scope["query_string"]) is not None


@lru_cache(maxsize=1024)
def _query(text: bytes) -> PollQuery | None:
    """A query that needs no decoding and is valid; any other is for the framework to judge."""
    if not _PLAIN_QUERY.fullmatch(text):
        return None
    pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True)
    if len(dict(pairs)) < len(pairs):
        return None
    try:
        return PollQuery.model_validate(dict(pairs))
    except ValidationError:
        return None
