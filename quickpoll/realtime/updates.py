"""Which updates of a poll are due, and what they carry: pure, no input or output."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from quickpoll.counting.events import EventKind
from quickpoll.counting.tally import Tally
from quickpoll.foundation.asyncapi.messages import sent
from quickpoll.polls.models import ALWAYS, Poll
from quickpoll.realtime.coalescer import Kinds
from quickpoll.realtime.messages import LikeUpdate, PollUpdate, VoteUpdate
from quickpoll.realtime.pending_changes import UPDATED, ChangeUpdate
from quickpoll.results.poll_view import PollView

VOTE_UPDATE, LIKE_UPDATE, POLL_UPDATE = EventKind.VOTES, EventKind.LIKES, EventKind.POLL


def due_events(
    poll: Poll, kinds: Kinds, changes: list[ChangeUpdate], tally: Tally, last: Tally | None
) -> list[str]:
    """The updates of counts that go out with these ``changes``, where events of these ``kinds``
    were heard, and ``last`` were the counts sent before.

    What differs from those is told, whatever was heard: an event may have been lost.
    """
    due = {kind for kind in kinds if kind != POLL_UPDATE}
    # With a change of the poll, more people may be allowed to see the counts that there are.
    if changes and (poll.results != ALWAYS or any(one.name == UPDATED for one in changes)):
        due.add(VOTE_UPDATE)
    if last is not None:
        if (last.options, last.voters) != (tally.options, tally.voters):
            due.add(VOTE_UPDATE)
        if last.likes != tally.likes:
            due.add(LIKE_UPDATE)
        elif VOTE_UPDATE in due:
            # The counts have the likes in them: one state is not told twice under one version.
            due.discard(LIKE_UPDATE)
    return [event for event in (VOTE_UPDATE, LIKE_UPDATE) if event in due]


def payload_of(event: str, view: PollView) -> dict[str, Any]:
    """What an update carries: always the whole state."""
    counts = view.counts()
    same = {
        "pollId": view.known.id,
        "counts": counts["counts"],
        "version": counts["version"],
        "at": view.now,
        **view.witnessed(),
    }
    if event == LIKE_UPDATE:
        return sent(LikeUpdate, {**same, "likes": view.tally.likes})
    more = {"votersCount": view.tally.voters, "votesCount": view.tally.votes}
    return sent(VoteUpdate, {**same, **more})


def payload_of_change(
    poll_id: str, change: ChangeUpdate, now: datetime, more: Mapping[str, Any]
) -> dict[str, Any]:
    """What is told of something that has happened to a poll itself."""
    said = {"pollId": poll_id, "change": change.name, "version": change.version, "at": now}
    return sent(PollUpdate, {**said, **more})
