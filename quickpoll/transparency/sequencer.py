"""The sequencer: takes what waits into the log of a poll, one step after the other.

Invariants:

- A step is written down (the journal) before anything of it can be seen; then come tiles, then the
  marks on ballots are taken off, then the head moves and the journal is emptied, in one write. A
  crash leaves a journal, and whoever comes next does all of that again: it writes the same.
- Nothing is doubled: an entry leaves ``waiting`` before the journal is empty, and no step begins
  before that. Nothing is forgotten: what waits has a mark, which goes with its entries alone.
- Ballots are read before the poll: where a ballot of an edited or reopened poll is seen, the edit
  or the reopening is seen, too, and comes first.
- A close is logged when it is final, with all ballots before it: nothing is written to them then,
  and their counts in MongoDB are those of the log.
- Tiles that no published checkpoint covers are shown to nobody, so what a sealed log holds back
  stays hidden while a long close is made in several steps; the last one publishes all.
- Two that work on one poll at once harm nothing: a compare-and-set decides each step. So what an
  instance remembers of a log (its state, its right edge, what is left of a large close) may be out
  of date: a step that begins from there fails, and the ballots were read before it was tried.
- A close ends on what was read anew, never on what is remembered of it: whatever still waits has a
  mark. What was read is shuffled as a whole before it is cut into steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from secrets import token_hex
from time import monotonic
from weakref import WeakValueDictionary

import structlog
from bson import ObjectId
from prometheus_client import Counter

from quickpoll.errors import PollNotFound
from quickpoll.foundation.concurrency.time_limits import CHANGE_ANSWER_SECONDS
from quickpoll.foundation.stores.mongo import deadline
from quickpoll.polls.models import Poll
from quickpoll.polls.store import PollStore
from quickpoll.repair.finality import Finality
from quickpoll.transparency import rules
from quickpoll.transparency.heads import SignedHeads
from quickpoll.transparency.state import LogState, Published, Step, Told
from quickpoll.transparency.store import LogStore
from quickpoll.transparency.waiting import WaitingBallots
from quickpoll.verification import dice
from quickpoll.verification.growing import GrowingLog, origin
from quickpoll.verification.notes import Checkpoint, Signer
from quickpoll.verification.signers import Signers
from quickpoll.votes.store import VoteStore

log = structlog.get_logger(__name__)

drift = Counter(
    "quickpoll_log_drift_total", "Closes whose counts were not those of the log; must be 0"
)

MOST_OF_A_STEP = 2000
"""Ballots whose entries one step takes: what a journal holds has to fit into a document."""

MOST_KEPT = 500
"""Logs that are kept in memory, some 50 kB each at the most."""

COUNT_SECONDS = 6.0
"""To count the ballots of a close, in the background: a slow store takes longer for tens of
thousands than an operation that somebody waits for may take."""

MOST_CLOSING = 20
"""Closes of which it is kept which ballots are still to be logged, 12 bytes each and what a list
takes; it can be read again."""


class NoSigner(Exception):
    """The key that a log began with is not among those of this service."""


class Sequencer:
    """Makes the steps of logs."""

    def __init__(
        self,
        polls: PollStore,
        votes: VoteStore,
        waiting: WaitingBallots,
        logs: LogStore,
        heads: SignedHeads,
        finality: Finality,
        signers: Signers,
        shuffle: Callable[[list[int]], None] = dice.shuffle,
    ) -> None:
        self._polls = polls
        self._votes = votes
        self._waiting = waiting
        self._logs = logs
        self._heads = heads
        self._finality = finality
        self._signers = signers
        self._shuffle = shuffle
        self._kept: dict[str, tuple[LogState, GrowingLog]] = {}
        self._closing: dict[tuple[str, int], list[ObjectId]] = {}
        self._seen_closed: dict[tuple[str, int], float] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def keep_up(self, poll_id: str, *, with_ballots: bool) -> None:
        """Make steps until nothing is left to be logged now: of the owner's changes, and where
        asked for of ballots.

        Raises errors of MongoDB, :class:`~quickpoll.errors.Unavailable` where a close is not final
        yet, :class:`NoSigner` and :class:`.heads.Forgotten`.
        """
        turn = self._turns.get(poll_id)
        if turn is None:
            turn = self._turns[poll_id] = asyncio.Lock()
        async with turn:
            while await self.advance(poll_id, with_ballots=with_ballots):
                pass

    async def advance(self, poll_id: str, *, with_ballots: bool) -> bool:
        """Make one step, or end one that was begun; answers whether another one may be due."""
        state = await self._state(poll_id)
        if state is not None and state.journal is not None:
            await self._finish(state)
            return True
        step = await self._next(poll_id, state, with_ballots=with_ballots)
        if step is None:
            return False
        poll, wanted = step
        begun = await self._logs.begin(poll_id, poll.log_key, state, wanted)
        if begun is None:  # it is not as it was kept
            self._kept.pop(poll_id, None)
            return True
        await self._finish(begun)
        return poll.log_due != "" or not _took_all(wanted)

    async def _state(self, poll_id: str) -> LogState | None:
        """The log as this instance left it, or as it is stored. What is kept may be out of date:
        then no step begins from it."""
        kept = self._kept.get(poll_id)
        return kept[0] if kept is not None else await self._logs.read(poll_id)

    async def _next(
        self, poll_id: str, state: LogState | None, *, with_ballots: bool
    ) -> tuple[Poll, Step] | None:
        """The poll, and what comes next."""
        told = state.told if state is not None else Told()
        # Before the poll is read: see the invariants.
        ballots = (
            await self._waiting.to_be_published(poll_id, MOST_OF_A_STEP) if with_ballots else []
        )
        try:
            poll = (await self._polls.fresh(poll_id)).poll
        except PollNotFound:
            return None
        if not poll.verifiable:
            return None
        step = rules.owner_step(poll, told, token_hex(32))
        if step is None and rules.closes(poll, told):
            step = await self._close(poll, told)
        if step is None:
            step = rules.ballots_step(ballots, told, self._shuffle)
        if step is not None:
            return poll, step
        if poll.log_due and rules.is_level(poll, told):
            await self._polls.log_is_level(poll)
            self._seen_closed.pop((poll_id, poll.log_phase), None)
        return None

    async def _close(self, poll: Poll, told: Told) -> Step:
        """The next step of a close: ballots, and with the last of them the counts.

        Raises :class:`~quickpoll.errors.Unavailable` where it is not final yet.
        """
        poll_id, which = str(poll.id), (str(poll.id), poll.log_phase)
        await self._wait_until_final(poll)
        known = self._closing.pop(which, None)
        ids = known or await self._all_in_any_order(poll)
        ballots = await self._waiting.read(ids[:MOST_OF_A_STEP], rules.MOST_LINES)
        step = rules.ballots_step(ballots, told, self._shuffle, sealed_too=True)
        if len(ids) > MOST_OF_A_STEP:
            self._closing[which] = ids[MOST_OF_A_STEP:]
        if step is not None and (known or len(step.whole) < len(ids)):
            return _unpublished(step)
        if known:  # somebody else has logged these; what is left is read anew at the last
            return await self._close(poll, told)
        with deadline(COUNT_SECONDS):
            alike = await self._votes.count_alike(poll_id)
        closed = rules.closed_by(step, poll, told, alike)
        if closed.told.counted != closed.told.held:
            drift.inc()
            log.error(
                "log_differs_from_ballots",
                poll_id=poll_id,
                ballots=closed.told.counted,
                logged=closed.told.held,
            )
        return closed

    async def _all_in_any_order(self, poll: Poll) -> list[ObjectId]:
        """The ballots of a poll of which anything waits, shuffled as a whole."""
        ids = await self._waiting.ids_of_all(str(poll.id), many_sealed=poll.seals_log)
        dice.shuffle(ids)
        if len(self._closing) > MOST_CLOSING:
            self._closing.clear()
        return ids

    async def _wait_until_final(self, poll: Poll) -> None:
        """Wait until no ballot of before the close can still be written.

        The close may have been made by somebody who has died, so its own time says little: what
        counts is since when this instance knows of it.
        """
        key, now = (str(poll.id), poll.log_phase), monotonic()
        if len(self._seen_closed) > 10_000:
            self._seen_closed.clear()
        known_for = now - self._seen_closed.setdefault(key, now)
        until = asyncio.get_running_loop().time() + CHANGE_ANSWER_SECONDS
        await self._finality.wait(str(poll.id), known_for, until)

    async def _finish(self, state: LogState) -> None:
        """Carry out the step in the journal, from wherever it was left."""
        assert state.journal is not None  # noqa: S101 - asked before
        poll_id, step, signer = state.poll_id, state.journal, self._signer(state.key)
        edge = await self._edge(poll_id, state)
        growth = edge.append([line.encode() for line in step.lines])
        head = growth.head
        if step.publish:
            await self._heads.remember(poll_id, state.published, (head.size, head.root))
        await self._logs.write_tiles(poll_id, growth.parts)
        await self._waiting.take_off(step, state.size)
        published = _signed(poll_id, head, signer) if step.publish else None
        if await self._logs.end(state, head.size, published):
            self._keep(_after(state, head.size, published), edge)

    def _signer(self, key: str) -> Signer:
        signer = self._signers.of(key)
        if signer is None:
            raise NoSigner(key)
        return signer

    async def _edge(self, poll_id: str, begun: LogState) -> GrowingLog:
        """The right edge of a log; it is about to grow, so it is kept no longer. What is kept is
        that of the state from which the step was begun, else it would not have begun."""
        kept = self._kept.pop(poll_id, None)
        return kept[1] if kept is not None else await self._logs.edge(poll_id, begun.size)

    def _keep(self, state: LogState, edge: GrowingLog) -> None:
        self._kept[state.poll_id] = state, edge
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    async def has_logged(self, poll: Poll) -> bool:
        """Whether the log has each close and each reopening of the poll as it is here."""
        state = await self._logs.read(str(poll.id))
        if state is None or state.journal is not None:
            return False
        return state.told.phase >= poll.log_phase

    async def delete_all(self, poll_id: str) -> None:
        """Delete a poll's log."""
        self._kept.pop(poll_id, None)
        await self._logs.delete_all(poll_id)
        await self._heads.forget(poll_id)


def _signed(poll_id: str, head: Checkpoint, signer: Signer) -> Published:
    named = Checkpoint(origin(signer.key.name, poll_id), head.size, head.root)
    return Published(head.size, head.root, signer.sign(named.text))


def _after(state: LogState, size: int, published: Published | None) -> LogState:
    """The log once the step in its journal has ended."""
    assert state.journal is not None  # noqa: S101 - only a step that was begun ends
    return LogState(
        state.poll_id,
        state.key,
        size,
        state.step + 1,
        state.journal.told,
        published or state.published,
    )


def _took_all(step: Step) -> bool:
    """Whether a step of ballots has all that waited when they were read; what has come since has a
    mark, and waits for the next round."""
    ballots = len(step.whole) + len(step.parts)
    return 0 < ballots < MOST_OF_A_STEP and not step.parts


def _unpublished(step: Step) -> Step:
    return Step(step.lines, step.told, publish=False, whole=step.whole, parts=step.parts)
