"""The stores, and what keeps the counts: what all other parts lean on."""

from __future__ import annotations

from quickpoll.composition.models import MODELS
from quickpoll.counting.counted_path import CountedPath
from quickpoll.counting.counters import Counters
from quickpoll.counting.direct import DirectCounts
from quickpoll.counting.events import PollEvents
from quickpoll.counting.former import FormerVersion
from quickpoll.counting.keys import Keys
from quickpoll.counting.reading import TallyReader
from quickpoll.counting.uncounted import Uncounted
from quickpoll.counting.versions import VersionClock
from quickpoll.foundation.stores.mongo import open_client, open_engine
from quickpoll.foundation.stores.mongo_trouble import MongoTrouble
from quickpoll.foundation.stores.redis import RedisLink
from quickpoll.guests.parts import GuestParts
from quickpoll.likes.store import LikeStore
from quickpoll.operations.schema import Schema
from quickpoll.operations.store_watch import StoreWatch
from quickpoll.personal.parts import PersonalParts
from quickpoll.polls.entry import PollEntry
from quickpoll.polls.store import PollStore
from quickpoll.repair.rebuild import Rebuilder
from quickpoll.repair.reconcile import Reconciler
from quickpoll.repair.restored import RestoreWatch
from quickpoll.results.census import MongoCensus
from quickpoll.results.fences import MongoFences
from quickpoll.settings import Settings
from quickpoll.votes.store import VoteStore


class CountedStores:
    """The part of the services that opens stores and counts."""

    settings: Settings
    instance: str
    clock: VersionClock

    def _open_stores(self, settings: Settings) -> None:
        self.mongo = open_client(settings.api_database_url.get_secret_value())
        self.engine = open_engine(self.mongo, settings.database_name)
        self.mongo_trouble = MongoTrouble()
        self.schema = Schema(self.engine, MODELS, self.mongo_trouble)
        self.redis = RedisLink(settings.redis_address)
        self.store_watch = StoreWatch(self.mongo, self.redis, self.mongo_trouble)
        self.personal = PersonalParts(self.engine)
        self.polls = PollStore(self.engine)
        self.votes = VoteStore(self.engine)
        self.likes = LikeStore(self.engine)
        self.guests = GuestParts(settings, self.engine)
        self.entry = PollEntry(self.polls, self.guests.doors)

    def _keep_counts(self) -> None:
        keys, database = (
            Keys(self.settings.redis_prefix),
            self.mongo[self.settings.database_name],
        )
        self.uncounted = Uncounted(self.instance, database)
        self.counters = Counters(self.redis, keys, self.uncounted, self.clock)
        self.events = PollEvents(self.instance, self.redis, keys)
        self.former = FormerVersion(self.counters)
        self.census = MongoCensus(self.polls, self.votes, self.likes)
        self.fences = MongoFences(self.polls, self.votes, self.likes)
        self.direct = DirectCounts(database, self.census, self.clock)
        self.rebuilder = Rebuilder(self.counters, self.census, self.fences, self.direct)
        self.reconciler = Reconciler(
            self.instance,
            self.counters,
            self.census,
            self.fences,
            self.rebuilder,
            RestoreWatch(database, self.counters),
            self.polls.recent,
        )
        self.tallies = TallyReader(
            self.counters,
            self.census,
            self.direct,
            self.rebuilder.recount,
            self.reconciler.was_read,
        )
        self.path = CountedPath(
            self.counters, self.events, self.fences, self.rebuilder.recount_soon
        )
