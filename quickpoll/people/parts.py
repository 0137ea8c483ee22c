"""The parts of this room, put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from odmantic import AIOEngine

from quickpoll.counting.counted_path import CountedPath
from quickpoll.counting.keys import Keys
from quickpoll.foundation.stores.holdings import Holding
from quickpoll.foundation.stores.mongo import Client
from quickpoll.foundation.stores.redis import RedisLink
from quickpoll.likes.store import LikeStore
from quickpoll.management.deletion import PollDeletion
from quickpoll.management.quiet_changes import QuietChanges
from quickpoll.people.erasing import Eraser
from quickpoll.people.erasing.ballots import BallotEraser
from quickpoll.people.erasing.documents import document_erasers
from quickpoll.people.erasing.likes import LikeEraser
from quickpoll.people.erasing.passing import Passing
from quickpoll.people.erasing.polls import PollEraser
from quickpoll.people.erasures import Erasures
from quickpoll.people.export import PersonExport
from quickpoll.people.handlers import PeopleHandlers
from quickpoll.people.lease import lease_of
from quickpoll.people.retention import Retention
from quickpoll.personal.parts import PersonalParts
from quickpoll.polls.store import PollStore
from quickpoll.settings import Settings
from quickpoll.votes.store import VoteStore


class Below(Protocol):
    """What this room is built on."""

    settings: Settings
    instance: str
    mongo: Client
    engine: AIOEngine
    redis: RedisLink
    polls: PollStore
    votes: VoteStore
    likes: LikeStore
    path: CountedPath
    deletion: PollDeletion
    personal: PersonalParts


class PeopleParts:
    """Exports, erasures, and the retention of closed polls.

    ``more`` are the erasers of rooms whose collections go in steps of their own.
    """

    def __init__(
        self,
        below: Below,
        holdings: tuple[Holding, ...],
        more: Sequence[Eraser] = (),
    ) -> None:
        tombstones, jobs = below.personal.tombstones, below.personal.jobs
        changes = QuietChanges(below.polls, below.path)
        database = below.mongo[below.settings.database_name]
        self.lease = lease_of(below.instance, database)
        erasers: tuple[Eraser, ...] = (
            PollEraser(below.engine, below.votes, changes, below.deletion),
            BallotEraser(below.polls, below.votes, tombstones, changes, below.path),
            LikeEraser(below.polls, below.likes, tombstones, below.path),
            *more,
            *document_erasers(database, holdings),
        )
        passing = Passing(database, holdings, below.redis, Keys(below.settings.redis_prefix))
        self.erasures = Erasures(jobs, self.lease, erasers, passing)
        days = below.settings.api_retention_days
        parts = below.votes, tombstones, changes, self.lease
        self.retention = Retention(below.engine, days, *parts)
        self.export = PersonExport(database, holdings)
        self.handlers = PeopleHandlers(self.export, self.erasures, jobs)
