"""What has happened to polls themselves and was not told yet; pure, no input or output."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from quickpoll.polls.models import Poll, public
from quickpoll.polls.store import KnownPoll
from quickpoll.tallies.bell import Ring
from quickpoll.tallies.tally import Tally, microseconds

remembered = 10_000
"""Polls of which the last version shown is kept."""

updated, closed, reopened, deleted = "updated", "closed", "reopened", "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """One ``poll-update``: what happened, with which version, and whether everybody may hear."""

    name: str
    version: int
    public: bool


class News:
    """Collects changes until they are told, each kind once, and sees that versions grow.

    A version is read with the counts that go with it, so an update of the counts may overtake the
    message that the poll was closed. Its version would then not be newer than what a client has,
    and the client would ignore it: such a change gets the next version instead.
    """

    def __init__(self) -> None:
        self._rings: dict[str, dict[str, Ring]] = {}
        self._doubts: dict[str, Poll] = {}
        self._shown: dict[str, int] = {}
        self._sent: dict[tuple[str, str], int] = {}
        self._found_out: dict[tuple[str, str], int] = {}

    def hear(self, ring: Ring) -> None:
        """Something has happened to a poll; unless that was found out already."""
        if self._found_out.get((ring.poll_id, ring.change or updated), 0) >= ring.version:
            return
        changes = self._rings.setdefault(ring.poll_id, {})
        name = ring.change or updated
        changes.pop(name, None)  # told in the order of the last of each kind
        changes[name] = ring

    def doubt(self, poll_id: str, known: KnownPoll | None) -> None:
        """Something may have happened to a poll that was known like this."""
        if known is not None:
            self._doubts.setdefault(poll_id, known.poll)

    def forget(self, poll_id: str) -> None:
        """There is nobody to tell."""
        self._rings.pop(poll_id, None)
        self._doubts.pop(poll_id, None)

    def shown(self, poll_id: str, version: int) -> None:
        """Clients have been shown this version."""
        _keep(self._shown, poll_id, max(version, self._shown.get(poll_id, 0)))

    def is_new(self, poll_id: str, event: str, version: int) -> bool:
        """Whether this state was not sent before: a message may arrive after what it is about."""
        new = self._sent.get((poll_id, event)) != version
        _keep(self._sent, (poll_id, event), version)
        return new

    def recent(self, number: int) -> list[str]:
        """So many of the polls that were shown last."""
        return list(self._shown)[-number:]

    def take(self, poll_id: str, now_is: Poll | None, tally: Tally | None) -> list[Change]:
        """What is to be told of a poll, which is now like this (``None``: it is gone)."""
        rings = self._rings.pop(poll_id, {})
        before = self._doubts.pop(poll_id, None)
        told = [(name, ring.version, ring.public) for name, ring in rings.items()]
        if not told and before is not None:
            name = _difference(before, now_is)
            version = tally.version if tally else microseconds()
            told = [(name, version, before.visibility == public)] if name else []
            if name:
                _keep(self._found_out, (poll_id, name), version)
        return [
            Change(
                name,
                self._next(poll_id, version),
                now_is.visibility == public if now_is else was_public is True,
            )
            for name, version, was_public in told
        ]

    def _next(self, poll_id: str, version: int) -> int:
        version = max(version, self._shown.get(poll_id, 0) + 1)
        self.shown(poll_id, version)
        return version


Key = TypeVar("Key")


def _keep(versions: dict[Key, int], key: Key, version: int) -> None:
    versions.pop(key, None)
    versions[key] = version
    if len(versions) > remembered:
        del versions[next(iter(versions))]


def _difference(before: Poll, after: Poll | None) -> str | None:
    """The change that lies between a poll as it was and as it is."""
    if after is None:
        return deleted
    now = datetime.now(UTC)
    if before.is_open(now) != after.is_open(now):
        return reopened if after.is_open(now) else closed
    return updated if before.revision != after.revision else None
