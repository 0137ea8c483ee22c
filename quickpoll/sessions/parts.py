"""The parts of this room, and what each is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from odmantic import AIOEngine

from quickpoll.counting.counted_path import CountedPath
from quickpoll.counting.events import PollEvents
from quickpoll.counting.keys import Keys
from quickpoll.foundation.stores.redis import RedisLink
from quickpoll.guests.parts import GuestParts
from quickpoll.idempotency.once import Once
from quickpoll.idempotency.store import ClaimStore
from quickpoll.polls.rules import Offers
from quickpoll.polls.store import PollStore
from quickpoll.results.poll_view import PollView, PollViews
from quickpoll.sessions.announcing import SessionEvents
from quickpoll.sessions.changes import SessionChanges
from quickpoll.sessions.handlers import SessionHandlers
from quickpoll.sessions.shared import SharedSessions
from quickpoll.sessions.snapshots import SessionSnapshots
from quickpoll.sessions.store import SessionStore
from quickpoll.sessions.untold import UntoldChanges


class SessionParts:
    """Sessions of one instance. Building them opens nothing."""

    def __init__(
        self,
        engine: AIOEngine,
        redis: RedisLink,
        keys: Keys,
        events: PollEvents,
        polls: PollStore,
        views: PollViews,
        path: CountedPath,
        claims: ClaimStore,
        offers: Offers,
        guests: GuestParts,
        guests_in: Callable[[PollView], Awaitable[int]],
    ) -> None:
        self.store = SessionStore(engine)
        guests.doors.session_holds = self.store.holds
        self.events = SessionEvents(redis, keys, events)
        self.changes = SessionChanges(
            self.store, polls, path, self.events, claims, guests.invites, offers
        )
        self.handlers = SessionHandlers(
            self.store, self.changes, views, Once(claims), path, guests.doors, guests_in
        )
        self.snapshots = SessionSnapshots(self.store, polls, guests.doors)
        self.shared = SharedSessions(self.store)
        self.untold = UntoldChanges(engine)
