"""The parts of this room, and what they are made of."""

from __future__ import annotations

from typing import Protocol

from odmantic import AIOEngine

from quickpoll.counting.counters import Counters
from quickpoll.counting.tally import Fences
from quickpoll.polls.entry import PollEntry
from quickpoll.polls.store import PollStore
from quickpoll.repair.finality import Finality
from quickpoll.repair.rebuild import Rebuilder
from quickpoll.settings import Settings
from quickpoll.transparency.checkpoints import Checkpoints
from quickpoll.transparency.files import LogFiles
from quickpoll.transparency.heads import SignedHeads
from quickpoll.transparency.lease import sequencer_lease
from quickpoll.transparency.models import LogLease, LogTile, PollLog
from quickpoll.transparency.receipts import Receipts
from quickpoll.transparency.rounds import SequencerRounds
from quickpoll.transparency.sequencer import Sequencer
from quickpoll.transparency.store import LogStore
from quickpoll.transparency.waiting import WaitingBallots
from quickpoll.verification.signers import Signers
from quickpoll.votes.promises import Promises
from quickpoll.votes.store import VoteStore

LOG_MODELS = (PollLog, LogTile, LogLease)


class Parts(Protocol):
    """What this room leans on."""

    settings: Settings
    instance: str
    engine: AIOEngine
    polls: PollStore
    entry: PollEntry
    votes: VoteStore
    counters: Counters
    rebuilder: Rebuilder

    @property
    def fences(self) -> Fences:
        """Makes late writes powerless."""


class LogRoom:
    """Writes the logs of verifiable polls, and serves them. Building it opens nothing."""

    def __init__(self, parts: Parts) -> None:
        engine, polls, votes = parts.engine, parts.polls, parts.votes
        self.signers = Signers(parts.settings.api_log_name, parts.settings.log_keys)
        self.promises = Promises(self.signers)
        self.store = LogStore(engine)
        self.checkpoints = Checkpoints(self.store)
        self.waiting = WaitingBallots(engine)
        self.sequencer = Sequencer(
            polls,
            votes,
            self.waiting,
            self.store,
            SignedHeads(parts.counters.link, parts.counters.keys),
            Finality(parts.counters, parts.fences, parts.rebuilder.recount),
            self.signers,
        )
        lease, newest = sequencer_lease(engine, parts.instance), self.signers.newest
        self.rounds = SequencerRounds(self.sequencer, lease, polls, self.waiting, newest_key=newest)
        self.files = LogFiles(polls, self.store, self.waiting, self.signers)
        self.receipts = Receipts(polls, votes, self.store, parts.entry)
