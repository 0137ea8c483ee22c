"""Ballots before they are written: pure."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId

from quickpoll.foundation.stores.mongo import Document
from quickpoll.polls.store import KnownPoll
from quickpoll.votes.batch import Outcome, Wish
from quickpoll.votes.log_entries import fields_of_cast
from quickpoll.votes.store import Ballot


def renewed(standing: Ballot, moment: datetime) -> Ballot:
    """A ballot that was taken back, cast anew."""
    return standing._replace(id=str(ObjectId()), created_at=moment)


def outcome_of(before: tuple[str, ...], after: tuple[str, ...]) -> Outcome:
    """What becomes of a wish for ``after`` where the ballot was ``before``."""
    if not before:
        return Outcome.CREATED
    return Outcome.SAME if before == after else Outcome.CHANGED


def new_document(known: KnownPoll, wish: Wish, token: str) -> Document:
    """A ballot that is cast for the first time, as MongoDB keeps it."""
    ballot: Document = {
        **fields_of_cast(known.poll, wish.user_id, wish.option_ids, token),
        "_id": ObjectId(),
        "userId": ObjectId(wish.user_id),
        "pollId": known.poll.id,
        "optionIds": [known.object_ids[option] for option in wish.option_ids],
        "createdAt": wish.moment,
        "castAt": wish.moment,
        "revision": 0,
    }
    return ballot if wish.guests is None else {**ballot, "guest": True}
