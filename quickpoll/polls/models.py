"""Polls as MongoDB keeps them."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any
from unicodedata import normalize

from bson import ObjectId
from odmantic import EmbeddedModel, Field, Model
from pymongo import IndexModel


class Status(StrEnum):
    """Whether votes are taken, as far as the owner has said."""

    OPEN = "open"
    CLOSED = "closed"


class Results(StrEnum):
    """Who may see the results."""

    ALWAYS = "always"
    AFTER_VOTE = "after_vote"
    AFTER_CLOSE = "after_close"
    OWNER_ONLY = "owner"


class Visibility(StrEnum):
    """Whether lists show a poll to everybody."""

    PUBLIC = "public"
    UNLISTED = "unlisted"


class Guests(StrEnum):
    """Who may vote without an account: nobody, anybody, or who was invited."""

    OFF = "off"
    OPEN = "open"
    INVITED = "invited"


class Links(StrEnum):
    """Whether ballots belong to voters: they do, are being cut off, or have been."""

    KEPT = "kept"
    CUTTING = "cutting"
    CUT = "cut"


NOBODY = ObjectId("0" * 24)
"""Whose polls are whose owner was erased."""

OPEN, CLOSED = Status
ALWAYS, AFTER_VOTE, AFTER_CLOSE, OWNER_ONLY = Results
PUBLIC, UNLISTED = Visibility
NO_GUESTS, OPEN_TO_GUESTS, INVITED_GUESTS = Guests


SAMPLE_RATE = 64
"""One poll of so many stands for the others: lists learn from those where how many polls are."""


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
    history, written together with what it tells of. ``context`` holds an embedder's own references.
    Of a verifiable poll: ``log_key``, the verifier key that its log began with; ``log_phase``, how
    often it was closed and opened (odd: closed); ``log_due``, a token as long as its log may lack
    what was changed.
    ``taken_up`` counts how often a session has taken it up: a change of ``guests`` compares that.
    ``tombstones``: somebody who voted was erased, and is not to vote again (:mod:`.personal`).
    ``links``: where they are not kept, nobody's ballots belong to them any more.

    Two fields of the document are nobody's attributes: ``contextPairs`` (:func:`context_pairs`),
    and ``sampled`` in one poll of :data:`SAMPLE_RATE`.
    """

    question: str
    folded: str
    user_id: ObjectId = Field(key_name="userId")
    created_at: datetime = Field(key_name="createdAt")
    options: list[Option]
    status: Status = OPEN
    closes_at: datetime | None = Field(default=None, key_name="closesAt")
    closed_at: datetime | None = Field(default=None, key_name="closedAt")
    min_choices: int = Field(default=1, key_name="minChoices")
    max_choices: int = Field(default=1, key_name="maxChoices")
    results: Results = ALWAYS
    allow_vote_change: bool = Field(default=False, key_name="allowVoteChange")
    visibility: Visibility = PUBLIC
    guests: Guests = NO_GUESTS
    verifiable: bool = False
    context: dict[str, str] = {}
    voted_on: bool = Field(default=False, key_name="votedOn")
    revision: int = 1
    likes: int = 0
    last_change: dict[str, Any] | None = Field(default=None, key_name="lastChange")
    taken_up: int = Field(default=0, key_name="takenUp")
    log_key: str = Field(default="", key_name="logKey")
    log_phase: int = Field(default=0, key_name="logPhase")
    log_due: str = Field(default="", key_name="logDue")
    tombstones: bool = False
    links: Links = Links.KEPT

    model_config = {"collection": "poll", "indexes": lambda: poll_indexes()}

    def model_dump_doc(self, include: Any = None) -> dict[str, Any]:
        """The document, with what is derived from it for the lists."""
        return {**Model.model_dump_doc(self, include), **_derived(self.id, self.context)}

    def is_open(self, now: datetime) -> bool:
        """Whether votes are taken at that moment: exact, whether or not anything has run since."""
        return self.status == OPEN and not self.is_overdue(now)

    def is_overdue(self, now: datetime) -> bool:
        """Whether the deadline has passed, and nobody has written that down yet."""
        return self.status == OPEN and self.closes_at is not None and now >= self.closes_at

    def closed_since(self, now: datetime) -> datetime | None:
        """When the poll was closed, by hand or by its deadline; ``None`` while it is open."""
        return self.closes_at if self.is_overdue(now) else self.closed_at

    def status_at(self, now: datetime) -> Status:
        """What it is at that moment."""
        return OPEN if self.is_open(now) else CLOSED

    @property
    def seals_log(self) -> bool:
        """Whether nothing of the log may be published while the poll is open."""
        return self.results in (AFTER_VOTE, AFTER_CLOSE)

    def option_ids(self) -> list[str]:
        """The options' ids, in the poll's order."""
        return [str(option.id) for option in self.options]


def fold(text: str) -> str:
    """Text without case and in one spelling, for searching (:mod:`.texts` tells options apart).

    Canonical caseless matching (Unicode, definition D145). Decomposed, so that a part of a text
    stays a part of the folded text.
    """
    return normalize("NFD", normalize("NFD", text).casefold())


def context_pairs(context: dict[str, str]) -> list[str]:
    """The context as one index can find it: ``key=value`` (no key has an equals sign)."""
    return [f"{key}={value}" for key, value in context.items()]


def is_sampled(poll_id: ObjectId) -> bool:
    """Whether this poll stands for the others; by its id, in which there is no order."""
    return blake2b(poll_id.binary, digest_size=1).digest()[0] % SAMPLE_RATE == 0


def _derived(poll_id: ObjectId, context: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"sampled": True} if is_sampled(poll_id) else {}
    return {**found, "contextPairs": context_pairs(context)} if context else found


def poll_indexes() -> list[IndexModel]:
    """What polls are found by; :mod:`quickpoll.results.plans` says which list goes by which.

    An entry costs a poll about as much as the poll itself on the embedded database, hence the
    partial ones: only the polls that they are about pay for them.
    """
    newest, ever = [("createdAt", -1), ("_id", -1)], {"$gt": datetime.fromtimestamp(0, UTC)}
    partial = {
        "by_deadline": ([("status", 1), ("closesAt", 1)], {"closesAt": ever}),
        "by_closing": ([("status", 1), ("closedAt", -1)], {"closedAt": ever}),
        "by_context": ([("contextPairs", 1), *newest], {"contextPairs": {"$gt": ""}}),
        "by_sample": ([("sampled", 1), ("createdAt", -1)], {"sampled": True}),
        "by_log_due": ([("logDue", 1)], {"logDue": {"$gt": ""}}),
        "by_admin": ([("lastChange.by.id", 1)], {"lastChange.by.type": "admin"}),
    }
    return [
        IndexModel([("visibility", 1), ("status", 1), *newest], name="public_newest"),
        IndexModel([("visibility", 1), ("status", 1), ("likes", -1), *newest], name="public_liked"),
        IndexModel([("userId", 1), ("status", 1), *newest], name="own_newest"),
        IndexModel([("userId", 1), ("status", 1), ("likes", -1), *newest], name="own_liked"),
        *[
            IndexModel(keys, name=name, partialFilterExpression=which)
            for name, (keys, which) in partial.items()
        ],
    ]
