"""Every part of the service and what it is made of: the one place that puts them together."""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_hex
from time import time
from typing import Any

from quickpoll.auth.admission import Admission
from quickpoll.auth.caller import Caller
from quickpoll.auth.issuers import issuer_of, tokens_of
from quickpoll.auth.limits import RateLimit, Unlimited
from quickpoll.auth.sharing import LimitSharing
from quickpoll.composition.stores import CountedStores
from quickpoll.counting.keys import Keys
from quickpoll.counting.versions import VersionClock
from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.overload import Overload
from quickpoll.foundation.http.request_middleware import refuse_unread
from quickpoll.holdings import HOLDINGS
from quickpoll.idempotency.once import Once
from quickpoll.idempotency.store import ClaimStore
from quickpoll.likes.handlers import LikeHandlers
from quickpoll.likes.liking import Liking
from quickpoll.management.changes import PollChanges
from quickpoll.management.deadlines import Deadlines
from quickpoll.management.deletion import Erase, PollDeletion
from quickpoll.management.store import DeletionStore, HistoryStore
from quickpoll.operations.health import Health
from quickpoll.operations.loop_lag import LoopLag
from quickpoll.operations.traces import Traces
from quickpoll.people.parts import PeopleParts
from quickpoll.polls.creation import PollCreation
from quickpoll.polls.handlers import PollHandlers
from quickpoll.polls.rules import Offers
from quickpoll.realtime.attendance import Attendance
from quickpoll.realtime.audience import Audience
from quickpoll.realtime.following import Following
from quickpoll.realtime.relay import Relay
from quickpoll.realtime.screens import StaleScreens
from quickpoll.realtime.server import LiveServer
from quickpoll.realtime.shut_out import ShutOut
from quickpoll.realtime.topic_relay import TopicRelay
from quickpoll.repair.finality import Finality
from quickpoll.results.caller_state import CallerStateReader
from quickpoll.results.handlers import ResultHandlers
from quickpoll.results.listing import PollListing
from quickpoll.results.poll_view import PollViews
from quickpoll.results.timeline import Timeline
from quickpoll.sessions.announcing import SESSION_UPDATE
from quickpoll.sessions.eraser import SessionEraser
from quickpoll.sessions.parts import SessionParts
from quickpoll.settings import Settings
from quickpoll.sharing.parts import SharingParts
from quickpoll.socketio.idle_reaper import IdleReaper
from quickpoll.socketio.server import make_server
from quickpoll.transparency.room import LogRoom
from quickpoll.votes.casting import Casting
from quickpoll.votes.handlers import VoteHandlers
from quickpoll.web.previews.reading import Previews
from quickpoll.webhooks.eraser import WebhookEraser
from quickpoll.webhooks.outbox import Outbox


class Services(CountedStores):
    """The parts of one instance. Building them opens nothing; ``lifespan`` starts and ends
    them.

    ``clock`` answers the seconds since 1970; another one is handed in to see what comes of
    instances whose clocks differ.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time) -> None:
        self.settings = settings
        self.clock = VersionClock(wall=clock)
        self.instance = token_hex(6)
        self.offers = Offers(
            guests=settings.api_guests == "on", logs=settings.api_log_key is not None
        )
        self._open_stores(settings)
        self._keep_counts()
        self.log_room = LogRoom(self)
        self._take_votes(settings)
        self._show_results()
        self._manage()
        self._admit(settings)
        self._go_live(settings)
        self._hold_sessions(settings)
        self._know_people()

    async def enter(self, authorization: str | None, address: str, writes: bool = False) -> Caller:
        """Let a caller in, to any route under ``/api/``; ``writes`` of whoever is being erased are
        :class:`~quickpoll.errors.Forbidden`.

        Raises :class:`~quickpoll.errors.Unauthenticated`,
        :class:`~quickpoll.errors.RateLimited`, :class:`~quickpoll.errors.Unavailable` until
        the indexes are there, and :class:`~quickpoll.errors.Overloaded`.
        """
        caller = await self.admission.admit(authorization, address)
        if not self.schema.ready:
            refuse_unread()
            raise Unavailable(self.schema.problem and "This instance cannot serve yet.")
        if writes:
            await self.personal.departures.check(caller.user_id)
        self.overload.judge()
        return caller

    async def guests_of(self, poll_id: str) -> str:
        """What a poll tells those who have no token yet; see :class:`.PollEntry`."""
        return await self.entry.guests_of(poll_id) if self.offers.guests else ""

    async def session_guests_of(self, session_id: str) -> str:
        """The same of a session."""
        return await self.sessions.snapshots.guests_of(session_id) if self.offers.guests else ""

    async def forget_polls(self) -> None:
        """Drop the polls in memory: changes of them may have been missed, and are looked for."""
        self.relay.missed()

    def _take_votes(self, settings: Settings) -> None:
        self.creation = PollCreation(self.polls, self.path, self.log_room.rounds)
        self.claims = ClaimStore(self.engine)
        self.poll_handlers = PollHandlers(self.creation, Once(self.claims), self.offers)
        queue: dict[str, Any] = {
            "capacity": settings.api_vote_queue,
            "departed": self.personal.departures,
        }
        writes = self.polls, self.votes, self.path
        self.casting = Casting(
            *writes, promises=self.log_room.promises, largest=settings.api_vote_batch, **queue
        )
        self.liking = Liking(self.polls, self.likes, self.path, **queue)
        self.like_handlers = LikeHandlers(self.liking, self.tallies, self.entry)
        self.vote_handlers = VoteHandlers(self.polls, self.votes, self.casting, self.entry)
        batchers = (self.casting.batcher, self.liking.batcher)
        self.overload = Overload(*(one.standing_seconds for one in batchers))

    def _show_results(self) -> None:
        self.marks = CallerStateReader(self.votes, self.likes)
        self.views = PollViews(self.polls, self.tallies, self.marks, self.entry)
        guests = self.settings.api_guests == "on"
        self.previews = Previews(self.polls, self.tallies, guests=guests)
        self.listing = PollListing(self.engine)
        self.result_handlers = ResultHandlers(
            self.views, self.listing, Timeline(self.engine), self.votes
        )

    def _manage(self) -> None:
        history, logs = HistoryStore(self.engine), self.log_room.rounds
        finality = Finality(self.counters, self.fences, self.rebuilder.recount)
        self.changes = PollChanges(
            self.polls, history, self.creation, self.path, finality, self.offers, self.entry, logs
        )
        self._delete(history, logs.delete_all)
        self.deadlines = Deadlines(self.engine, self.changes)
        stores = self.engine, self.polls, self.tallies
        self.outbox = Outbox(self.instance, *stores, finality, self.settings)

    def _delete(self, history: HistoryStore, delete_log: Erase) -> None:
        stores = self.polls, self.votes, self.likes, history, DeletionStore(self.engine)
        also = self.personal.tombstones.delete_all, self.guests.invites.delete_all
        self.deletion = PollDeletion(*stores, self.claims, self.path, also, delete_log)

    def _hold_sessions(self, settings: Settings) -> None:
        keys = Keys(settings.redis_prefix)
        self.sessions = SessionParts(
            self.engine,
            self.redis,
            keys,
            self.events,
            self.polls,
            self.views,
            self.path,
            self.claims,
            self.offers,
            self.guests,
            self.result_handlers.guests_in,
        )
        self.changes.uses = self.deletion.uses = self.sessions.changes
        self.sessions.changes.hearers = self.outbox.hearers_of_session
        self.outbox.draw_from(self.sessions.untold.pass_on)
        self.session_relay = TopicRelay(SESSION_UPDATE, self.sessions.snapshots, self.fanout)
        self.attendance = Attendance(
            self.redis, keys, self.audience, self.session_relay, self.fanout
        )
        self.following = Following(self.live, self.admission, self.audience, self.session_relay)
        self.sharing = SharingParts(
            self.engine,
            self.redis,
            keys,
            self.polls,
            (self.sessions.shared,),
            settings.api_public_address,
        )

    def _know_people(self) -> None:
        outbox, sessions = self.outbox, self.sessions
        erasers = (
            SessionEraser(sessions.store, sessions.changes),
            WebhookEraser(outbox.webhooks, outbox.deliveries, outbox.listeners),
        )
        self.people = PeopleParts(self, HOLDINGS, erasers)
        shown = self.polls.forget_of, self.result_handlers.encodings.forget_of
        known = self.tokens.forget, self.limit_sharing.forget, self.live.let_go
        self.personal.departures.on_leaving(*shown, *known, self.guests.invites.forget_of)

    def _admit(self, settings: Settings) -> None:
        self.issuer = issuer_of(settings)
        self.tokens = tokens_of(settings, self.issuer, self.guests.tokens)
        self._limit(settings)

    def _limit(self, settings: Settings) -> None:
        of_user = RateLimit(settings.api_rate_limit_user, name="user")
        of_address = RateLimit(settings.api_rate_limit_address, name="address")
        name_key = Keys(settings.redis_prefix).limit
        self.limit_sharing = LimitSharing(self.redis, name_key, (of_user, of_address))
        if settings.api_rate_limits == "on":
            self.admission = Admission(self.tokens, of_user, of_address)
        else:
            self.admission = Admission(self.tokens, Unlimited(), Unlimited())
        self.guests.open(self.redis, Keys(settings.redis_prefix), self.admission.failed)

    def _go_live(self, settings: Settings) -> None:
        self.loop_lag = LoopLag()
        self.traces = Traces(settings.api_traces_url, settings.api_traces_share, self.instance)
        self.health = Health(
            self.mongo,
            self.redis,
            self.events,
            self.schema,
            self.store_watch,
            self.mongo_trouble,
            self.overload,
            self.issuer,
        )
        self.audience = Audience(settings.api_socket_clients, settings.api_socket_clients_per_user)
        checkpoints = self.log_room.checkpoints
        self.sio, fanout = make_server(settings.cors_origins, settings.api_socket_clients)
        self.fanout = fanout
        self.idle_reaper = IdleReaper(self.sio)
        self.live = LiveServer(
            self.sio,
            fanout,
            self.admission,
            self.views,
            self.audience,
            self.entry,
            checkpoints,
            settings.api_jwt_leeway,
        )
        shut_out = ShutOut(self.audience, self.entry, self.live.leave)
        self.relay = Relay(
            self.polls, self.votes, self.tallies, self.audience, fanout, shut_out, checkpoints
        )
        self.live.on_subscribed = self.relay.subscribed
        self.screens = StaleScreens(self.relay, self.audience, self.counters)
