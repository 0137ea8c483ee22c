"""Receipts: the proof that a voter's ballot is in the published log, with what opens it."""

from __future__ import annotations

from datetime import UTC, datetime

from quickpoll.auth.caller import Caller
from quickpoll.errors import NotFound, ReceiptPending
from quickpoll.foundation.http.answers import Reply
from quickpoll.polls.entry import PollEntry
from quickpoll.polls.ids import checked_id
from quickpoll.polls.models import Poll
from quickpoll.polls.store import PollStore
from quickpoll.transparency.state import Published
from quickpoll.transparency.store import LogStore
from quickpoll.verification import tiles
from quickpoll.verification.paths import TiledTree, tiles_needed
from quickpoll.verification.proof import Proof
from quickpoll.verification.receipt import receipt_extra
from quickpoll.votes.store import Ballot, VoteStore

PLAIN = "text/plain; charset=utf-8"

BUNDLES_AT_ONCE = 8

WITH_THE_CLOSE = "The results of this poll are hidden: your receipt comes with its close."

RETRY_SECONDS = 1


class Receipts:
    """Makes receipts."""

    def __init__(
        self, polls: PollStore, votes: VoteStore, logs: LogStore, entry: PollEntry
    ) -> None:
        self._polls = polls
        self._votes = votes
        self._logs = logs
        self._entry = entry

    async def receipt(self, caller: Caller, poll_id: str, *, opening: bool) -> Reply:
        """The receipt of the caller's present ballot.

        Raises :class:`~quickpoll.errors.NotFound` where there is none,
        :class:`~quickpoll.errors.GuestsNotAllowed` and :class:`~quickpoll.errors.ReceiptPending`.
        """
        poll = (await self._polls.fresh(checked_id("poll_id", poll_id))).poll
        await self._entry.check(caller, poll)
        ballot = await self._votes.find(caller.user_id, str(poll.id))
        if not poll.verifiable or ballot is None or ballot.log is None:
            raise NotFound("There is no ballot of yours in a log of this poll.")
        published = (await self._logs.published([ballot.poll_id])).get(ballot.poll_id)
        if published is None or ballot.log.waits:
            raise _pending(poll)
        place = await self._place(ballot, published.size)
        if place is None:
            raise _pending(poll)
        proof = await self._proof(ballot, place, published, opening=opening)
        name = f'attachment; filename="{ballot.poll_id}.tlog-proof"'
        headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
        return Reply(200, bytes(proof), headers, PLAIN)

    async def _place(self, ballot: Ballot, size: int) -> int | None:
        """Where the ballot's entry is among the first ``size``; ``None`` where it is not."""
        assert ballot.log is not None  # noqa: S101 - asked before
        wanted = ballot.log.line.entry.encode()
        last = (size - 1) // tiles.WIDTH
        for first in range(ballot.log.first // tiles.WIDTH, last + 1, BUNDLES_AT_ONCE):
            numbers = range(first, min(first + BUNDLES_AT_ONCE, last + 1))
            paths = [tiles.Place(None, one, tiles.WIDTH).full_path for one in numbers]
            found = await self._logs.contents(ballot.poll_id, paths)
            for number, path in zip(numbers, paths, strict=True):
                bundle = tiles.unbundle(found.get(path, b""))
                if wanted in bundle:
                    place = number * tiles.WIDTH + bundle.index(wanted)
                    return place if place < size else None
        return None

    async def _proof(
        self, ballot: Ballot, place: int, published: Published, *, opening: bool
    ) -> Proof:
        assert ballot.log is not None  # noqa: S101 - asked before
        needed = tiles_needed(place, published.size)
        paths = [one.full_path for one in needed]
        contents = await self._logs.contents(ballot.poll_id, paths)
        path = TiledTree(published.size, contents).path(place)
        line = ballot.log.line
        opened = (line.salt, ballot.option_ids) if opening and line.salt else None
        extra = receipt_extra(line.entry.encode(), line.pepper, ballot.user_id, opened)
        return Proof(place, path, published.note, extra)


def _pending(poll: Poll) -> ReceiptPending:
    """It comes by itself; while the results are hidden, with the close."""
    if poll.seals_log and poll.is_open(datetime.now(UTC)):
        return ReceiptPending(WITH_THE_CLOSE)
    pending = ReceiptPending()
    pending.retry_after = RETRY_SECONDS
    return pending
