"""The word that a session has changed: which one, never how. Whoever shows it reads it."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import structlog

from quickpoll.counting.events import PollEvents
from quickpoll.counting.keys import Keys
from quickpoll.foundation.stores.redis import RedisAway, RedisLink

log = structlog.get_logger(__name__)

SESSION_UPDATE = "session-update"
"""The event as the channel and clients name it."""

Listener = Callable[[str, int], None]
"""Called with a session's id and the version that it has at least."""


class SessionEvents:
    """Tells every instance, by a channel of Redis, and this one also where that is away."""

    def __init__(self, link: RedisLink, keys: Keys, events: PollEvents) -> None:
        self._link = link
        self._channel = keys.session_updates
        self._listeners: list[Listener] = []
        events.also_hear(self._channel, self._receive)

    def on_event(self, listener: Listener) -> None:
        """Call ``listener`` with every event."""
        self._listeners.append(listener)

    async def announce(self, session_id: str, version: int) -> None:
        """Tell that a session has this version. That nobody was told fails nothing: each instance
        looks at what its clients follow."""
        self._tell(session_id, version)
        said = {"event": SESSION_UPDATE, "sessionId": session_id, "version": version}
        try:
            await self._link.call("PUBLISH", self._channel, orjson.dumps(said).decode())
        except RedisAway:
            log.debug("session_not_announced", session_id=session_id)

    def _tell(self, session_id: str, version: int) -> None:
        for listener in self._listeners:
            listener(session_id, version)

    def _receive(self, data: str) -> None:
        try:
            fields = orjson.loads(data)
            self._tell(str(fields["sessionId"]), int(fields["version"]))
        except (ValueError, KeyError, TypeError):
            log.warning("unreadable_session_update")
