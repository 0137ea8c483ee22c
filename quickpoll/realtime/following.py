"""The events by which clients follow sessions: ``follow`` and ``unfollow``."""

from __future__ import annotations

import asyncio
from typing import Any

from quickpoll.auth.admission import Admission
from quickpoll.errors import InvalidToken, invalid
from quickpoll.foundation.asyncapi.messages import sent
from quickpoll.foundation.concurrency.time_limits import ANSWER_SECONDS
from quickpoll.foundation.http.problems import as_error
from quickpoll.polls.ids import ID_SENTENCE, is_id
from quickpoll.realtime.audience import Audience, Client
from quickpoll.realtime.messages import Done, NotDone
from quickpoll.realtime.server import LiveServer, told
from quickpoll.realtime.session_messages import Followed
from quickpoll.realtime.topic_relay import TopicRelay

FIELD = "sessionId"


class Following:
    """Answers ``follow`` and ``unfollow``. Neither touches what a client hears of polls."""

    def __init__(
        self, live: LiveServer, admission: Admission, audience: Audience, relay: TopicRelay
    ) -> None:
        self._admission = admission
        self._audience = audience
        self._relay = relay
        live.sio.on("follow", self._follow)
        live.sio.on("unfollow", self._unfollow)
        live.on_left.append(relay.leave_all)

    async def _follow(self, sid: str, *arguments: Any) -> dict[str, Any]:
        try:
            session_id = self._asked(sid, arguments)
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._answer(sid, session_id)
        except Exception as error:
            return sent(NotDone, {"error": told(as_error(error))})

    async def _answer(self, sid: str, session_id: str) -> dict[str, Any]:
        client = self._client(sid)
        async with client.turn:
            client = self._client(sid)  # it may have left while it waited
            # Joined before the session is read, so that no update falls in between.
            new = self._relay.join(sid, session_id)
            try:
                snapshot = await self._relay.snapshot(client.caller, session_id)
            except BaseException:
                if new:
                    self._relay.leave(sid, session_id)
                raise
            finally:
                if self._audience.get(sid) is not client:
                    self._relay.leave_all(sid)
        session = dict(snapshot.payload)
        return sent(Followed, {"session": session, "poll": session.pop("poll")})

    async def _unfollow(self, sid: str, *arguments: Any) -> dict[str, Any]:
        try:
            session_id = self._asked(sid, arguments)
            client = self._client(sid)
            async with client.turn:
                self._relay.leave(sid, session_id)
        except Exception as error:
            return sent(NotDone, {"error": told(as_error(error))})
        return sent(Done, {})

    def _client(self, sid: str) -> Client:
        client = self._audience.get(sid)
        if client is None:
            raise InvalidToken
        return client

    def _asked(self, sid: str, arguments: tuple[Any, ...]) -> str:
        """The id in ``{sessionId}``, in lower case.

        Raises :class:`~quickpoll.errors.InvalidRequest` for what is no id at all, and
        :class:`~quickpoll.errors.RateLimited`.
        """
        client = self._audience.get(sid)
        if client is not None:
            self._admission.again(client.caller)
        said = arguments[0] if arguments else None
        session_id = said.get(FIELD) if isinstance(said, dict) else None
        if not is_id(session_id):
            raise invalid(FIELD, ID_SENTENCE)
        return str(session_id).lower()
