"""From a change of a topic to the screens of those who follow it.

Invariants:

- A client has joined before it is shown anything, and what it is shown is never older than what it
  was sent: an answer is the newest of what was read for it and what was sent meanwhile.
- Of a topic one reading after the other is sent, and only what is newer than the last: so no client
  hears of an older state after a newer one.
- One reading serves all who ask before it begins: a hall that comes back at once costs what one
  screen does. Nobody is answered by a reading that had begun before they asked.
- What is told may be lost: so what was sent is compared with what there is, twice a second, and at
  once when messages may have been missed. One reading serves all who follow, however many.
"""

from __future__ import annotations

from collections.abc import Iterable

from quickpoll.auth.caller import Caller
from quickpoll.errors import TooManySubscriptions
from quickpoll.foundation.concurrency.batching import Batcher, Entry
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.realtime.coalescer import Coalescer, Kinds
from quickpoll.realtime.relay import Sender, messages
from quickpoll.realtime.topics import Snapshot, Topics

COMPARE_SECONDS = 0.5
"""Twice within the second after which every screen must be right."""

MOST_AT_ONCE = 2_000
"""Topics that one round compares; with more, the next round goes on with the others."""

MOST_TOPICS = 100
"""Topics that one client may follow at a time, beside its polls."""


class TopicRelay:
    """Knows who follows what, and sends them what it has become."""

    def __init__(self, event: str, topics: Topics, sender: Sender) -> None:
        self._event = event
        self._topics = topics
        self._sender = sender
        self._followers: dict[str, set[str]] = {}
        self._followed: dict[str, set[str]] = {}  # {connection: topics}
        self._sent: dict[str, Snapshot] = {}  # what followers of a topic have been shown last
        self._left: list[str] = []
        self._readings: Batcher[str, Snapshot | None] = Batcher("topics", self._read_together)
        self._loop = Periodic(f"stale-{event}s", COMPARE_SECONDS, self.compare)
        self.coalescer = Coalescer(self.deliver)

    def start(self) -> None:
        """Start to send and to compare."""
        self._readings.start()
        self.coalescer.start()
        self._loop.start()

    async def aclose(self) -> None:
        """Stop."""
        await self._loop.aclose()
        await self.coalescer.aclose()
        await self._readings.aclose()

    # -- who follows what --------------------------------------------------------------------------

    def join(self, sid: str, topic: str) -> bool:
        """Let a connection hear of a topic; answers whether it did not before.

        Raises :class:`~quickpoll.errors.TooManySubscriptions`.
        """
        mine = self._followed.setdefault(sid, set())
        if topic in mine:
            return False
        if len(mine) >= MOST_TOPICS:
            raise TooManySubscriptions(f"A client may follow at most {MOST_TOPICS} at a time.")
        mine.add(topic)
        self._followers.setdefault(topic, set()).add(sid)
        return True

    def leave(self, sid: str, topic: str) -> None:
        """A connection hears of a topic no longer."""
        self._followed.get(sid, set()).discard(topic)
        followers = self._followers.get(topic, set())
        followers.discard(sid)
        if not followers:
            self._followers.pop(topic, None)
            self._sent.pop(topic, None)

    def leave_all(self, sid: str) -> None:
        """A connection is gone."""
        for topic in list(self._followed.pop(sid, ())):
            self.leave(sid, topic)

    def followers(self) -> dict[str, list[str]]:
        """The connections that follow each topic."""
        return {topic: list(sids) for topic, sids in self._followers.items()}

    def leader(self, topic: str) -> str:
        """Whose a topic is, by what was shown of it; empty where nothing was yet."""
        sent = self._sent.get(topic)
        return str(sent.payload.get("userId", "")) if sent is not None else ""

    async def snapshot(self, caller: Caller, topic: str) -> Snapshot:
        """What a topic is now, for somebody who has joined it. Raises what says why not."""
        read = await self._readings.submit(topic)
        await self._topics.check(caller, topic, read)
        assert read is not None  # noqa: S101 - that was checked
        sent = self._sent.get(topic)
        if sent is not None and sent.version >= read.version:
            return sent
        if sent is None and topic in self._followers:
            self._sent[topic] = read
        elif sent is not None:
            self.coalescer.mark(topic, self._event)  # the others do not know yet
        return read

    async def _read_together(self, asked: list[Entry[str, Snapshot | None]]) -> None:
        found = await self._topics.read({entry.item for entry in asked})
        for entry in asked:
            entry.resolve(found.get(entry.item))

    # -- what has changed --------------------------------------------------------------------------

    def receive(self, topic: str, version: int) -> None:
        """A topic has this version."""
        sent = self._sent.get(topic)
        if topic in self._followers and (sent is None or sent.version < version):
            self.coalescer.mark(topic, self._event)

    def missed(self) -> None:
        """Messages may have been missed: everything that is followed is looked at."""
        for topic in self._followers:
            self.coalescer.mark(topic, self._event)

    async def compare(self) -> None:
        """Look once whether what was sent is still so."""
        self._left = self._left or list(self._followers)
        looked_at, self._left = self._left[:MOST_AT_ONCE], self._left[MOST_AT_ONCE:]
        if not looked_at:
            return
        versions = await self._topics.versions(looked_at)
        for topic in looked_at:
            sent = self._sent.get(topic)
            if topic in self._followers and (sent is None or sent.version != versions.get(topic)):
                self.coalescer.mark(topic, self._event)

    async def deliver(self, due: dict[str, Kinds]) -> dict[str, int]:
        """Send what topics are now; answers how many events of each that took."""
        wanted = [topic for topic in due if topic in self._followers]
        if not wanted:
            return {}
        found = await self._topics.read(wanted)
        return {topic: self._show(topic, found.get(topic)) for topic in wanted}

    def _show(self, topic: str, now_is: Snapshot | None) -> int:
        sent, followers = self._sent.get(topic), self._followers.get(topic, set())
        snapshot = _what_to_say(sent, now_is)
        if not followers or snapshot is None:
            return 0
        self._sent[topic] = snapshot
        messages.inc(self._sender.send(self._event, snapshot.payload, sids=list(followers)))
        if snapshot.gone:
            self._close(topic, followers)
        return 1

    def _close(self, topic: str, followers: Iterable[str]) -> None:
        for sid in list(followers):
            self.leave(sid, topic)


def _what_to_say(sent: Snapshot | None, now_is: Snapshot | None) -> Snapshot | None:
    """What followers are to be told who have been told ``sent``; ``None`` where that is nothing."""
    if now_is is None:
        return None if sent is None else sent.deleted(sent.version + 1)
    if sent is not None and now_is.version <= sent.version:
        return None
    if now_is.gone and sent is not None:
        return sent.deleted(now_is.version)  # what it was is told by who remembers it
    return now_is
