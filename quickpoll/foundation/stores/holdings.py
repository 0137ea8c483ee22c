"""What a collection holds of people, and what becomes of it when one of them is erased.

Each room says so of its collections in ``holdings.py``, under the name ``HOLDINGS``; the house
collects them (``composition.HOLDINGS``), and the exports and erasures of a person's data go by
them. A collection that nobody declares fails ``tests/architecture/test_holdings.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from bson import ObjectId

from quickpoll.foundation.stores.mongo import Document

SECTIONS = ("polls", "ballots", "likes", "sessions", "changes", "webhooks")
"""What an export of a person's data consists of."""


class Fate(Enum):
    """What becomes of what a collection holds of a person who is erased."""

    NOTHING = "it holds nothing about people"
    DELETED = "the documents that name the person go"
    NAMELESS = "the fields that name the person become null"
    STEPWISE = "its room has steps of its own, since other things depend on it"
    PASSING = "it goes by itself within seconds, and an erasure is not done before"


@dataclass(frozen=True, slots=True)
class Export:
    """What of a collection goes into a section of a person's export: the documents that ``query``
    finds for the person, each as ``shown`` makes it (``None``: not at all). ``collection`` is
    another one than that of the holding, where a part of this stands there."""

    section: str
    query: Callable[[ObjectId], Document]
    shown: Callable[[Document, datetime], Mapping[str, Any] | None]
    collection: str = ""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one collection holds of people.

    ``fields``: where ids of people stand, in dotted names; each needs an index that begins with it.
    ``since``: the field that says when a document was made. ``kept``: for the documentation, what
    is held and for how long.
    """

    collection: str
    kept: str
    fate: Fate = Fate.NOTHING
    fields: tuple[str, ...] = ()
    since: str = "createdAt"
    exports: tuple[Export, ...] = ()

    def of(self, user: ObjectId, before: datetime | None = None) -> Document:
        """The query for documents that name a person, those alone that were made ``before`` that
        moment where one is given."""
        naming: list[Document] = [{name: user} for name in self.fields]
        query = naming[0] if len(naming) == 1 else {"$or": naming}
        return query if before is None else {**query, self.since: {"$lt": before}}
