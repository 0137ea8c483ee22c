"""Polls as MongoDB keeps them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from unicodedata import normalize

from bson import ObjectId
from odmantic import EmbeddedModel, Field, Index, Model
from odmantic.query import asc, desc

ALWAYS, AFTER_VOTE, AFTER_CLOSE, OWNER_ONLY = "always", "after_vote", "after_close", "owner"
PUBLIC, UNLISTED = "public", "unlisted"
OPEN, CLOSED = "open", "closed"


class Option(EmbeddedModel):
    """One of the answers."""

    id: ObjectId = Field(default_factory=ObjectId)
    text: str


class Poll(Model):
    """A question, its options and its settings.

    ``status`` is what the owner said; whether a poll is open also depends on ``closes_at``.
    ``revision`` counts the changes of these fields. ``voted_on`` is set before the first vote is
    written and never unset: it locks what voters rely on. ``likes`` is a copy for sorting, and
    ``folded`` the question without case for searching. ``last_change`` is the latest row of the
    history, written together with what it tells of.
    """

    question: str
    folded: str
    user_id: ObjectId = Field(key_name="userId")
    created_at: datetime = Field(key_name="createdAt")
    options: list[Option]
    status: str = OPEN
    closes_at: datetime | None = Field(default=None, key_name="closesAt")
    closed_at: datetime | None = Field(default=None, key_name="closedAt")
    min_choices: int = Field(default=1, key_name="minChoices")
    max_choices: int = Field(default=1, key_name="maxChoices")
    results: str = ALWAYS
    allow_vote_change: bool = Field(default=False, key_name="allowVoteChange")
    visibility: str = PUBLIC
    context: dict[str, str] = {}
    voted_on: bool = Field(default=False, key_name="votedOn")
    revision: int = 1
    likes: int = 0
    last_change: dict[str, Any] | None = Field(default=None, key_name="lastChange")

    model_config = {
        "collection": "poll",
        # Filters come last in the keys, so that no document is fetched that does not match.
        "indexes": lambda: [
            Index(
                asc(Poll.visibility),
                desc(Poll.created_at),
                desc(Poll.id),
                asc(Poll.status),
                asc(Poll.closes_at),
                asc(Poll.folded),
                name="newest",
            ),
            Index(
                asc(Poll.visibility),
                desc(Poll.likes),
                desc(Poll.created_at),
                desc(Poll.id),
                asc(Poll.status),
                asc(Poll.closes_at),
                asc(Poll.folded),
                name="popular",
            ),
            Index(
                asc(Poll.user_id),
                desc(Poll.created_at),
                desc(Poll.id),
                asc(Poll.status),
                asc(Poll.closes_at),
                asc(Poll.folded),
                name="newest_of_user",
            ),
            Index(
                asc(Poll.user_id),
                desc(Poll.likes),
                desc(Poll.created_at),
                desc(Poll.id),
                asc(Poll.status),
                asc(Poll.closes_at),
                asc(Poll.folded),
                name="popular_of_user",
            ),
            Index(asc(Poll.status), asc(Poll.closes_at), name="closing"),
        ],
    }

    def is_open(self, now: datetime) -> bool:
        """Whether votes are taken at that moment: exact, whether or not anything has run since."""
        return self.status == OPEN and not self.is_overdue(now)

    def is_overdue(self, now: datetime) -> bool:
        """Whether the deadline has passed, and nobody has written that down yet."""
        return self.status == OPEN and self.closes_at is not None and now >= self.closes_at

    def closed_since(self, now: datetime) -> datetime | None:
        """When the poll was closed, by hand or by its deadline; ``None`` while it is open."""
        return self.closes_at if self.is_overdue(now) else self.closed_at

    def status_at(self, now: datetime) -> str:
        """``open`` or ``closed``."""
        return OPEN if self.is_open(now) else CLOSED

    def option_ids(self) -> list[str]:
        """The options' ids, in the poll's order."""
        return [str(option.id) for option in self.options]


def fold(text: str) -> str:
    """Text without case and in one spelling, for searching (:mod:`.texts` tells options apart).

    Canonical caseless matching (Unicode, definition D145). Decomposed, so that a part of a text
    stays a part of the folded text.
    """
    return normalize("NFD", normalize("NFD", text).casefold())
