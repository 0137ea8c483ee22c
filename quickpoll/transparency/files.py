"""The public files of logs: what anybody may fetch, and nothing beyond what is published."""

from __future__ import annotations

import re
from collections import OrderedDict
from hashlib import blake2b

from quickpoll.errors import NotFound, ResultsHidden
from quickpoll.foundation.http.answers import Reply, nothing
from quickpoll.polls.ids import is_id
from quickpoll.polls.store import PollStore
from quickpoll.transparency.state import LogState
from quickpoll.transparency.store import LogStore
from quickpoll.transparency.waiting import WaitingBallots
from quickpoll.verification import tiles, tree
from quickpoll.verification.openings import LEAST_BALLOTS, Opening, published
from quickpoll.verification.signers import Signers

PLAIN = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
LINES = "application/x-ndjson"

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
ASK_AGAIN = {"Cache-Control": "no-cache"}

_TILE = re.compile(
    r"(?P<level>entries|0|[1-9]\d?)/(?P<number>(?:x\d{3}/)*\d{3})(?:\.p/(?P<width>[1-9]\d{0,2}))?",
    re.ASCII,
)
MOST_LEVELS = 64

KEPT_OPENINGS = 16
"""Files of openings that are kept in memory."""

MOST_KEPT_BYTES = 2_000_000
"""A larger one is made each time."""


class LogFiles:
    """Answers with the files of logs. All that is not there is the same 404."""

    def __init__(
        self, polls: PollStore, logs: LogStore, waiting: WaitingBallots, signers: Signers
    ) -> None:
        self._polls = polls
        self._logs = logs
        self._waiting = waiting
        self._signers = signers
        self._openings: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def key(self) -> Reply:
        """The verifier keys of this service."""
        if not self._signers.published:
            raise NotFound
        return Reply(200, self._signers.published, dict(ASK_AGAIN), PLAIN)

    async def checkpoint(self, poll_id: str) -> Reply:
        """What is published of a log, signed."""
        poll, _ = await self._poll(poll_id)
        head = (await self._logs.published([poll])).get(poll)
        if head is None:
            raise NotFound
        return Reply(200, head.note, dict(ASK_AGAIN), PLAIN)

    async def tile(self, poll_id: str, path: str) -> Reply:
        """A tile of hashes or a bundle of entries, below ``tile/``."""
        place = place_of(path)
        if place is None:
            raise NotFound
        poll, _ = await self._poll(poll_id)
        head = (await self._logs.published([poll])).get(poll)
        if head is None or place.first + place.holds > _hashes(place.level, head.size):
            raise NotFound
        found = (await self._logs.contents(poll, [place.full_path])).get(place.full_path)
        if found is None:
            raise NotFound
        return Reply(200, _cut(found, place), dict(FOR_EVER), BYTES)

    async def openings(self, poll_id: str, if_none_match: str | None) -> Reply:
        """What lies under the commitments of a closed poll.

        Raises :class:`~quickpoll.errors.ResultsHidden` until the close is published.
        """
        poll, phase = await self._poll(poll_id)
        state = await self._logs.read(poll)
        if state is None or state.published is None:
            raise NotFound
        if not state.told.closed or phase != state.told.phase:
            raise ResultsHidden("Nothing is opened before this poll is closed.")
        if state.told.counted < LEAST_BALLOTS:
            raise NotFound(f"With fewer than {LEAST_BALLOTS} ballots nothing is opened.")
        body = await self._opened(state)
        tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        headers = {**ASK_AGAIN, "ETag": tag}
        if if_none_match is not None and _matches(if_none_match, tag):
            return nothing(304, headers)
        return Reply(200, body, headers, LINES)

    async def _opened(self, state: LogState) -> bytes:
        assert state.published is not None  # noqa: S101 - asked before
        key = state.poll_id, state.published.size
        if key in self._openings:
            self._openings.move_to_end(key)
            return self._openings[key]
        ballots = await self._waiting.opened(state.poll_id)
        # Asked after they were read: had the poll been opened again, they might not be these.
        if await self._polls.log_phase(state.poll_id) != state.told.phase:
            raise ResultsHidden("Nothing is opened before this poll is closed.")
        opened = [
            Opening(one.tag, one.salt, one.option_ids) for one in ballots if one.salt is not None
        ]
        body = published(opened)
        if len(body) <= MOST_KEPT_BYTES:
            self._openings[key] = body
        while len(self._openings) > KEPT_OPENINGS:
            self._openings.popitem(last=False)
        return body

    async def _poll(self, poll_id: str) -> tuple[str, int]:
        """The id of a verifiable poll, and its phase. Raises ``NotFound``."""
        phase = await self._polls.log_phase(poll_id.lower()) if is_id(poll_id) else None
        if phase is None:
            raise NotFound
        return poll_id.lower(), phase


def place_of(path: str) -> tiles.Place | None:
    """The tile at a path below ``tile/``; ``None`` for what is no such path."""
    found = _TILE.fullmatch(path)
    if found is None:
        return None
    level = None if found["level"] == "entries" else int(found["level"])
    number = int(found["number"].replace("/", "").replace("x", ""))
    width = int(found["width"] or tiles.WIDTH)
    place = tiles.Place(level, number, width)
    canonical = place.path == f"tile/{path}" and (level or 0) < MOST_LEVELS
    return place if canonical else None


def _hashes(level: int | None, size: int) -> int:
    """How many hashes a level has, or entries."""
    return size if level is None else size // tiles.WIDTH**level


def _cut(content: bytes, place: tiles.Place) -> bytes:
    """The tile as wide as it was asked for."""
    if place.level is not None:
        return content[: place.holds * tree.HASH_BYTES]
    return tiles.bundle(tiles.unbundle(content)[: place.holds])


def _matches(if_none_match: str, tag: str) -> bool:
    tags = (one.strip().removeprefix("W/") for one in if_none_match.split(","))
    return any(one in ("*", tag) for one in tags)
