"""What has happened to polls themselves and was not told yet; pure, no input or output.

Events are delivered at most once. So besides hearing them, each poll that is shown is compared
with what was shown of it last: what nobody was heard to say is told all the same. In the end
clients take a poll to be open or closed as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from quickpoll.counting.events import PollEvent
from quickpoll.counting.versions import STEP
from quickpoll.polls.models import OPEN, PUBLIC, Poll
from quickpoll.polls.store import KnownPoll

REMEMBERED = 10_000
"""Polls of which the last version shown is kept."""

UPDATED, CLOSED, REOPENED, DELETED = "updated", "closed", "reopened", "deleted"


@dataclass(frozen=True, slots=True)
class ChangeUpdate:
    """One ``poll-update``: what happened, with which version, and whether everybody may hear."""

    name: str
    version: int
    public: bool


class PendingChanges:
    """Collects changes until they are told, each kind once, and sees that versions grow.

    A version is read with the counts that go with it, so an update of the counts may overtake the
    message that the poll was closed. Its version would then not be newer than what a client has,
    and the client would ignore it: such a change gets the next version instead. It is always older
    than the counts that are sent after it, which a client that goes by versions must not ignore.
    """

    def __init__(self) -> None:
        self._events: dict[str, dict[str, PollEvent]] = {}
        self._polls: dict[str, Poll] = {}  # {poll id: the poll as it was shown last}
        self._shown: dict[str, int] = {}
        self._sent: dict[tuple[str, str], int] = {}
        self._found_out: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str], int] = {}  # {(poll id, change): revision of the poll}

    def add(self, event: PollEvent) -> None:
        """Something has happened to a poll; unless that was found out already."""
        name = event.change or UPDATED
        if self._found_out.get((event.poll_id, name), 0) >= event.version:
            return
        changes = self._events.setdefault(event.poll_id, {})
        changes.pop(name, None)  # told in the order of the last of each kind
        changes[name] = event

    def show(self, poll_id: str, known: KnownPoll | None) -> None:
        """Clients see a poll like this, unless another one was shown since."""
        if known is not None and poll_id not in self._polls:
            keep(self._polls, poll_id, known.poll)

    def forget(self, poll_id: str) -> None:
        """There is nobody to tell."""
        self._events.pop(poll_id, None)
        self._polls.pop(poll_id, None)

    def shown(self, poll_id: str, version: int) -> None:
        """Clients have been shown this version."""
        keep(self._shown, poll_id, max(version, self._shown.get(poll_id, 0)))

    def is_new(self, poll_id: str, event: str, version: int) -> bool:
        """Whether this state was not sent before: a message may arrive after what it is about."""
        new = self._sent.get((poll_id, event)) != version
        keep(self._sent, (poll_id, event), version)
        return new

    def recent(self, number: int) -> list[str]:
        """So many of the polls that were shown last."""
        return list(self._shown)[-number:]

    def take(self, poll_id: str, now_is: Poll | None, version: int) -> list[ChangeUpdate]:
        """What is to be told of a poll, which is now like this (``None``: it is gone), before its
        counts of that version are sent."""
        events = self._events.pop(poll_id, {})
        before = self._polls.pop(poll_id, None)
        told = [
            (name, event.version, event.public)
            for name, event in events.items()
            if self._is_new_change(poll_id, name, now_is)
        ]
        name = _unsaid(before, [name for name, _, _ in told], now_is)
        if name is not None:
            # Whoever was to say so was not heard, or not yet: it is seen all the same, and last.
            found = version - STEP if now_is else version
            was_public = before is not None and before.visibility == PUBLIC
            told = [one for one in told if one[0] != name] + [(name, found, was_public)]
            keep(self._found_out, (poll_id, name), found)
            self._is_new_change(poll_id, name, now_is)
        if now_is is not None:
            keep(self._polls, poll_id, now_is)
        return [
            ChangeUpdate(
                name,
                self._next(poll_id, version),
                now_is.visibility == PUBLIC if now_is else was_public is True,
            )
            for name, version, was_public in told
        ]

    def _is_new_change(self, poll_id: str, name: str, now_is: Poll | None) -> bool:
        """Whether this change was not told before: a recount says so again, in case nobody did."""
        revision = now_is.revision if now_is is not None else 0
        new = revision == 0 or self._told.get((poll_id, name)) != revision
        keep(self._told, (poll_id, name), revision)
        return new

    def _next(self, poll_id: str, version: int) -> int:
        version = max(version, self._shown.get(poll_id, 0) + 1)
        self.shown(poll_id, version)
        return version


Key = TypeVar("Key")
Value = TypeVar("Value")


def keep(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """Keep a value, and only so many of them: those that were set last."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > REMEMBERED:
        del kept[next(iter(kept))]


def _unsaid(before: Poll | None, said: list[str], now_is: Poll | None) -> str | None:
    """What lies between a poll as clients take it to be, after what is ``said`` of it now, and as
    it is.

    Events and the poll come by two ways. A poll that is closed, reopened and closed again may be
    read as closed while the last that was heard is that it was reopened; whether the rest comes,
    nobody knows.
    """
    if now_is is None:
        return DELETED if before is not None and DELETED not in said else None
    is_open, believed_open = now_is.status == OPEN, _believed_open(before, said)
    if believed_open is not None and believed_open != is_open:
        return REOPENED if is_open else CLOSED
    changed = before is not None and before.revision != now_is.revision
    return UPDATED if changed and not said else None


def _believed_open(before: Poll | None, said: list[str]) -> bool | None:
    """Whether clients take the poll to be open; ``None`` where that is not known."""
    last = next((name for name in reversed(said) if name in (CLOSED, REOPENED)), None)
    if last is not None:
        return last == REOPENED
    return None if before is None else before.status == OPEN
