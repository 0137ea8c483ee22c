"""Changes of sessions: create, update, step, end, delete; and what becomes of them when one of
their polls changes.

Invariants:

- A change compares the revision that it was decided by, in the write itself. So of two presenters
  who step at once one wins, and the other one is told what the session is now.
- What has begun comes to its end, in a task that no hang-up ends: what was written is announced.
- Which webhooks are to hear of a change is written with the change itself (:mod:`.untold`).
- A session and its polls admit the same guests. Whoever takes a poll up writes the session first,
  then *takes up* the poll, which fails where its ``guests`` differ; whoever changes ``guests``
  looks for sessions first, and writes only if the poll was not taken up since it was read.
  Whichever of the two writes to the poll comes second notices the other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import structlog
from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.counting.counted_path import CountedPath
from quickpoll.errors import GuestsDiffer, NotFound, Unavailable
from quickpoll.foundation.stores.mongo import Document
from quickpoll.guests.store import InviteStore
from quickpoll.idempotency.store import ClaimStore
from quickpoll.polls.rules import Offers
from quickpoll.polls.store import PollStore
from quickpoll.sessions import rules
from quickpoll.sessions.announcing import SessionEvents
from quickpoll.sessions.bodies import NewSession, SessionUpdate, Step
from quickpoll.sessions.models import Session
from quickpoll.sessions.store import NO_SESSION, SessionStore

log = structlog.get_logger(__name__)

Decide = Callable[[Session], rules.Fields]

Hearers = Callable[[ObjectId, ObjectId], Awaitable[list[ObjectId]]]
"""The webhooks that hear of a session, by its id and its owner's."""


async def _nobody(session_id: ObjectId, user_id: ObjectId) -> list[ObjectId]:
    return []


MOST_TRIES = 50
"""Changes that may come first while one is decided; with more, the caller tries again."""


class SessionChanges:
    """Changes sessions, and tells what was changed."""

    def __init__(
        self,
        sessions: SessionStore,
        polls: PollStore,
        path: CountedPath,
        events: SessionEvents,
        claims: ClaimStore,
        invites: InviteStore,
        offers: Offers,
    ) -> None:
        self._sessions = sessions
        self._polls = polls
        self._path = path
        self._events = events
        self._claims = claims
        self._invites = invites
        self._offers = offers
        self.hearers: Hearers = _nobody

    async def prepare(self, caller: Caller, new: NewSession) -> Session:
        """The session that somebody asks for, not stored yet. Raises what it is refused for."""
        owner = rules.owner_of(new, caller)
        session = rules.make(new, owner, datetime.now(UTC), self._offers)
        await self._check_polls(caller, session.guests, new.poll_ids)
        return session

    async def create(self, session: Session) -> None:
        """Store a session that was prepared."""
        await self._path.whole(self.store_once(session.model_dump_doc()))

    async def store_once(self, document: Document, perhaps_there: bool = False) -> bool:
        """Store a session unless it is there; answers whether it was not.

        One that is there as it was made may be of a try that was cut short: what is left is done.
        """
        session: Session = Session.model_validate_doc(document)
        stored = await self._sessions.insert(session)
        if not stored and not await self._sessions.is_unchanged(session):
            return False
        if await self._take_up(session, session.poll_ids):
            await self._sessions.take_out(session)
            raise GuestsDiffer
        log.info("session_created", session_id=str(session.id))
        return stored

    async def update(self, caller: Caller, session_id: str, asked: SessionUpdate) -> Session:
        """Change fields. Raises what :func:`.rules.update` and :func:`.rules.check_polls` do."""
        return await self._path.whole(self._update(caller, session_id, asked))

    async def step(self, caller: Caller, session_id: str, asked: Step) -> Session:
        """Go to a poll or to the lobby. Raises what :func:`.rules.step` does."""
        return await self._change(caller, session_id, lambda one: rules.step(one, asked))

    async def end(self, caller: Caller, session_id: str) -> Session:
        """End a session."""
        now = datetime.now(UTC)
        return await self._change(caller, session_id, lambda one: rules.end(one, now))

    async def delete(self, caller: Caller, session_id: str) -> None:
        """Delete a session; again, as long as it is known, is the same."""
        await self._path.whole(self._delete(caller, session_id))

    # -- what becomes of sessions when their polls change ----------------------------------------

    async def check_guests(self, poll_id: str, guests: str) -> None:
        """Raises :class:`~quickpoll.errors.GuestsDiffer` where the poll is in a session that admits
        others."""
        if any(one.guests != guests for one in await self._sessions.with_poll(poll_id)):
            raise GuestsDiffer

    async def poll_changed(self, poll_id: str) -> None:
        """What a poll asks has changed: sessions that show it now have another version."""
        poll = ObjectId(poll_id)
        await self._change_those_with(
            poll_id, lambda one: {"present": poll} if one.present == poll else {}
        )

    async def poll_deleted(self, poll_id: str) -> None:
        """A poll is gone: it leaves the sessions that have not shown it. May be told again."""
        poll = ObjectId(poll_id)
        await self._change_those_with(poll_id, lambda one: rules.without_poll(one, poll))

    async def _change_those_with(self, poll_id: str, decide: Decide) -> None:
        for one in await self._sessions.with_poll(poll_id):
            with suppress(NotFound):  # it was deleted meanwhile
                await self._write(str(one.id), decide)

    # -- the one way in which a session changes ---------------------------------------------------

    async def _change(self, caller: Caller, session_id: str, decide: Decide) -> Session:
        def decide_for(session: Session) -> rules.Fields:
            rules.check_manages(caller, session)
            return decide(session)

        return await self._path.whole(self._write(session_id, decide_for))

    async def _write(self, session_id: str, decide: Decide) -> Session:
        """Decide and write, until nobody was faster. What nobody has changed is written by nobody,
        and announced all the same: perhaps whoever wrote it could not."""
        for _ in range(MOST_TRIES):
            session = await self._sessions.get(session_id)
            fields = decide(session)
            changed = await self._changed(session, fields)
            if changed is not None:
                await self._announce(changed)
                return changed
        raise Unavailable

    async def _changed(self, session: Session, fields: rules.Fields) -> Session | None:
        """What a session is once these fields are set, ``None`` where somebody was faster; who is
        to hear of it is noted by the same write."""
        if not fields:
            return session
        hearers = await self.hearers(session.id, session.user_id)
        return await self._sessions.change(session, fields, hearers)

    async def _announce(self, session: Session) -> None:
        await self._events.announce(str(session.id), session.revision)

    async def _update(self, caller: Caller, session_id: str, asked: SessionUpdate) -> Session:
        for _ in range(MOST_TRIES):
            session = await self._sessions.get(session_id)
            rules.check_manages(caller, session)
            fields = rules.update(session, asked)
            new = [one for one in fields.get("pollIds", ()) if one not in session.poll_ids]
            await self._check_polls(caller, session.guests, [str(one) for one in new])
            changed = await self._changed(session, fields)
            if changed is None:
                continue
            # All of them: a try that was cut short may have put some in and not taken them up.
            # Those that were shown stay, whatever has become of them.
            wanted = [ObjectId(one) for one in asked.poll_ids]
            refused = await self._take_up(
                changed, [one for one in wanted if one not in changed.shown + changed.gone]
            )
            if refused:
                await self._give_back(changed, [*new, *refused])
                raise GuestsDiffer
            await self._announce(changed)
            return changed
        raise Unavailable

    async def _delete(self, caller: Caller, session_id: str) -> None:
        for _ in range(MOST_TRIES):
            session = await self._sessions.known(session_id)
            if session is None or (session.deleted_at and not rules.manages(caller, session)):
                raise NotFound(NO_SESSION)
            rules.check_manages(caller, session)
            await self._claims.finish(session.id)
            deleted = session
            if session.deleted_at is None:
                changed = await self._sessions.change(session, rules.delete(datetime.now(UTC)))
                if changed is None:
                    continue
                deleted = changed
            await self._events.announce(session_id, deleted.revision)
            await self._invites.delete_all(session_id)
            return
        raise Unavailable

    async def erase(self, session: Session, now: datetime) -> None:
        """Delete a session whose owner is erased, and let it be nobody's."""
        await self._path.whole(self._erase(session, now))

    async def _erase(self, session: Session, now: datetime) -> None:
        if session.deleted_at is None:
            deleted = await self._sessions.change(session, rules.delete(now))
            if deleted is None:
                return  # somebody else has changed it: it is found again
            await self._events.announce(str(session.id), deleted.revision)
        await self._invites.delete_all(str(session.id))
        await self._sessions.disown(session.id)

    # -- polls and their guests --------------------------------------------------------------------

    async def _check_polls(self, caller: Caller, guests: str, wanted: list[str]) -> None:
        if wanted:
            known = await self._polls.fresh_many(wanted)
            found = {poll_id: one.poll for poll_id, one in known.items()}
            rules.check_polls(caller, guests, wanted, found)

    async def _take_up(self, session: Session, poll_ids: list[ObjectId]) -> list[ObjectId]:
        """Have each poll know that it was taken up (again is the same); answers those that do not
        admit the same guests."""
        taken = {one: await self._polls.take_up(str(one), session.guests) for one in poll_ids}
        return [one for one in poll_ids if not taken[one]]

    async def _give_back(self, session: Session, poll_ids: list[ObjectId]) -> None:
        """Somebody has changed the guests of a poll at that very moment: it leaves the session."""

        def without(one: Session) -> rules.Fields:
            kept = [poll for poll in one.poll_ids if poll not in poll_ids or poll in one.shown]
            return {} if kept == one.poll_ids else {"pollIds": kept}

        await self._write(str(session.id), without)
