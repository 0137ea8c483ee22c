"""Changes of polls: update, close, reopen, by their owners, by admins, and by their deadlines.

Invariants:

- One write a change, its row of the history with it; the revision decides who was first.
- Each goes the counted path, in a task of its own. Once it was answered, every instance goes by it;
  if it was cut off in the middle, its mark makes the poll be read anew, and the same again is
  announced again where the announcement was lost.
- A deadline that has passed is written down before anything else is changed: it has its row, and
  what was closed by it stays closed until somebody opens it again.
- A close is answered when it is final: when no ballot that was judged by the open poll can still
  be written.
- Of a verifiable poll: each change says with its own write that the log has to follow. A poll is
  reopened only when its log has the close before, with the counts of that close.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from secrets import token_hex
from typing import Any, NamedTuple

import structlog
from pymongo.errors import PyMongoError

from quickpoll.auth.caller import Caller
from quickpoll.counting.counted_path import CountedPath
from quickpoll.counting.tally import PollChange
from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.time_limits import (
    CHANGE_ANSWER_SECONDS,
    MARGIN_SECONDS,
    MARK_SECONDS,
)
from quickpoll.management import rules
from quickpoll.management.bodies import PollUpdate
from quickpoll.management.store import HistoryStore
from quickpoll.management.uses import PollUses, Unused
from quickpoll.polls.creation import PollCreation
from quickpoll.polls.entry import PollEntry
from quickpoll.polls.logs import NoLogs, PollLogs
from quickpoll.polls.models import Poll
from quickpoll.polls.rules import Offers, check_manages, check_offered, copy_poll, manages
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.repair.finality import Finality

log = structlog.get_logger(__name__)

CLOCKS_APART_SECONDS = 1.0
"""How far the clocks of two instances may be apart."""

LONG_AGO_SECONDS = 3600.0

CLOSE_NOT_LOGGED = "The close is not in this poll's log yet; ask again, that is safe."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change that somebody wants of a poll: its name, the fields that it changes of a poll as it
    is, by whom (``None``: the service itself), and whether its answer must be final."""

    name: str
    decide: Callable[[Poll, datetime], rules.Fields]
    caller: Caller | None
    final: bool = False


class PollChanges:
    """Changes polls, and tells what was changed."""

    def __init__(
        self,
        polls: PollStore,
        history: HistoryStore,
        creation: PollCreation,
        path: CountedPath,
        finality: Finality,
        offers: Offers,
        entry: PollEntry,
        logs: PollLogs | None = None,
    ) -> None:
        self._polls = polls
        self._history = history
        self._creation = creation
        self._path = path
        self._finality = finality
        self._offers = offers
        self._entry = entry
        self.uses: PollUses = Unused()
        self._logs = logs or NoLogs()

    async def update(self, caller: Caller, poll_id: str, asked: PollUpdate) -> KnownPoll:
        """Change fields. Raises the errors of :func:`.rules.update`."""

        def decide(poll: Poll, now: datetime) -> rules.Fields:
            return rules.update(poll, asked, now, self._offers)

        return await self._carry_out(poll_id, Wanted("updated", decide, caller))

    async def close(self, caller: Caller, poll_id: str) -> KnownPoll:
        """Close a poll; what is read afterwards is final.

        Raises :class:`~quickpoll.errors.Unavailable` where it is closed, but not final in time;
        the same again is safe.
        """
        return await self._carry_out(poll_id, Wanted("closed", rules.close, caller, final=True))

    async def reopen(self, caller: Caller, poll_id: str) -> KnownPoll:
        """Open a poll again."""
        return await self._carry_out(poll_id, Wanted("reopened", rules.reopen, caller))

    async def close_overdue(self, poll_id: str) -> KnownPoll:
        """Write down that a poll's deadline has passed; whoever is first does it."""
        return await self._carry_out(poll_id, PASSED_DEADLINE)

    async def duplicate(self, caller: Caller, poll_id: str) -> KnownPoll:
        """A new open poll of the caller's own, with the same question, options and settings.

        Raises :class:`~quickpoll.errors.InvalidRequest` where those are offered no more.
        """
        poll = (await self._polls.fresh(poll_id)).poll
        copy = copy_poll(poll, caller.user_id, datetime.now(UTC))
        check_offered(copy, {"guests": copy.guests, "verifiable": copy.verifiable}, self._offers)
        return await self._creation.store(copy)

    async def history(self, caller: Caller, poll_id: str) -> list[dict[str, Any]]:
        """What was changed about a poll, oldest first; owners and admins also hear by whom."""
        poll = (await self._polls.fresh(poll_id)).poll
        await self._entry.check(caller, poll)
        rows, now = await self._history.rows(poll), datetime.now(UTC)
        if overdue := rules.close_overdue(poll, now):
            # It is closed, and so it has its row, whether or not that was written down yet.
            rows.append(rules.row_of(poll, PASSED_DEADLINE.name, overdue, None, now))
        return [rules.history_row(row, with_author=manages(caller, poll)) for row in rows]

    async def _carry_out(self, poll_id: str, wanted: Wanted) -> KnownPoll:
        until = asyncio.get_running_loop().time() + CHANGE_ANSWER_SECONDS - MARGIN_SECONDS
        # What is refused holds nobody up: it is refused before anything is marked.
        self._decide((await self._polls.fresh(poll_id)).poll, wanted, datetime.now(UTC))
        return await self._path.whole(self._change(poll_id, wanted, until))

    async def _change(self, poll_id: str, wanted: Wanted, until: float) -> KnownPoll:
        while True:
            done = await self._path.change_poll(poll_id, lambda: self._write(poll_id, wanted))
            if isinstance(done, Done):
                break
            if done is First.DEADLINE:
                await self._path.change_poll(poll_id, lambda: self._write(poll_id, PASSED_DEADLINE))
            else:
                await self._log_close(poll_id, until)
        known, ago = done.known, 0.0 if done.is_new else _seconds_since_change(done.known.poll)
        if wanted.name == "updated" and _asks_anew(known.poll):
            await self.uses.poll_changed(poll_id)
        if wanted.final:
            await self._finality.wait(poll_id, ago, until)
        if known.poll.verifiable:
            await self._log_change(known, ago, until)
        return known

    async def _log_close(self, poll_id: str, until: float) -> None:
        """Raises :class:`~quickpoll.errors.Unavailable` where that is not done in time."""
        try:
            async with asyncio.timeout_at(until):
                await self._logs.keep_up(poll_id, with_ballots=True)
        except TimeoutError as error:
            raise Unavailable(CLOSE_NOT_LOGGED) from error

    async def _log_change(self, known: KnownPoll, ago: float, until: float) -> None:
        """Have the log follow a change that was made so many seconds ago. What is not done in time
        is done within seconds: the change is made, and its answer no failure."""
        poll = known.poll
        if not poll.is_open(datetime.now(UTC)):
            self._logs.soon(known.id)
            return
        try:
            async with asyncio.timeout_at(until):
                if poll.seals_log:
                    # What was answered before the results were hidden is published before this.
                    await self._finality.wait(known.id, ago, until)
                await self._logs.keep_up(known.id, with_ballots=poll.seals_log)
        except (TimeoutError, PyMongoError, Unavailable):
            self._logs.soon(known.id)

    async def _write(self, poll_id: str, wanted: Wanted) -> tuple[PollChange, Done | First]:
        """Write the change, or say what has to be done first."""
        while True:
            known, now = await self._polls.fresh(poll_id), datetime.now(UTC)
            changed = self._decide(known.poll, wanted, now)
            if known.poll.is_overdue(now) and wanted is not PASSED_DEADLINE:
                return PollChange(), First.DEADLINE
            if not changed:
                return _repetition(known.poll), Done(known, is_new=False)
            if rules.reopens(known.poll, changed) and not await self._logs.has_logged(known.poll):
                return PollChange(), First.LOG
            written = await self._write_once(known.poll, wanted, changed, now)
            if written is not None:
                log.info("poll_changed", poll_id=poll_id, change=wanted.name)
                return _change_to(written.poll, wanted.name), Done(written, is_new=True)
            # Somebody else changed it, or voted on it, in between: decide again.

    def _decide(self, poll: Poll, wanted: Wanted, now: datetime) -> rules.Fields:
        if wanted.caller is not None:
            check_manages(wanted.caller, poll)
        return wanted.decide(poll, now)

    async def _write_once(
        self, poll: Poll, wanted: Wanted, changed: rules.Fields, now: datetime
    ) -> KnownPoll | None:
        await self._history.keep_last(poll)
        row = rules.row_of(poll, wanted.name, changed, wanted.caller, now)
        unvoted = {"votedOn": {"$ne": True}} if rules.needs_no_votes(poll, changed, now) else {}
        untaken = await self._untaken(poll, changed["guests"]) if "guests" in changed else {}
        fields = rules.stored(changed | self._due(poll, changed)) | {"lastChange": row}
        return await self._polls.change(poll, fields, **unvoted, **untaken)

    async def _untaken(self, poll: Poll, guests: str) -> rules.Fields:
        """What a change of the guests compares: whoever has taken the poll up since it was read is
        not among its uses yet, or will find it changed."""
        await self.uses.check_guests(str(poll.id), guests)
        return {"takenUp": poll.taken_up or {"$in": [0, None]}}

    def _due(self, poll: Poll, changed: rules.Fields) -> rules.Fields:
        """What the poll remembers so that its log follows the change."""
        if not changed.get("verifiable", poll.verifiable):
            return {}
        key = {} if poll.log_key else {"log_key": self._logs.newest_key}
        return {**key, "log_phase": rules.log_phase(poll, changed), "log_due": token_hex(8)}


class First(Enum):
    """What has to be done before a change: a deadline that has passed is written down, a close is
    logged."""

    DEADLINE = "deadline"
    LOG = "log"


PASSED_DEADLINE = Wanted("closed", rules.close_overdue, None)
"""What the service itself wants of a poll whose deadline has passed."""


class Done(NamedTuple):
    """A poll as a change has left it; ``is_new``: the change was made just now, and not before."""

    known: KnownPoll
    is_new: bool


def _change_to(poll: Poll, name: str, *, repeated: bool = False) -> PollChange:
    """The news of a poll that was changed and is like this now."""
    return PollChange(name, poll.revision, tuple(poll.option_ids()), repeated)


def _repetition(poll: Poll) -> PollChange:
    """Nothing has changed: perhaps because it was changed before, and not everybody has heard."""
    return _change_to(poll, poll.last_change["change"] if poll.last_change else "", repeated=True)


def _asks_anew(poll: Poll) -> bool:
    """Whether its latest change was one of what it asks."""
    return bool(poll.last_change and rules.FIXED_TEXTS & poll.last_change["after"].keys())


def _seconds_since_change(poll: Poll) -> float:
    """How long ago, at least, the poll was last changed: a change may land as late as its mark
    lives, and that of a deadline was written whenever somebody came to it."""
    if poll.last_change is None:
        return LONG_AGO_SECONDS
    if poll.last_change["at"] == poll.closes_at:
        return 0.0
    later = timedelta(seconds=CLOCKS_APART_SECONDS + MARK_SECONDS)
    ago = datetime.now(UTC) - poll.last_change["at"] - later
    seconds: float = ago.total_seconds()
    return max(seconds, 0.0)
