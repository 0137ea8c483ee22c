"""What has to be done so that a collection has the indexes that it should have.

Pure: it is told what is there and answers what to make and what to drop. An index that should
have other keys than the one of its name gets a new name, ``name-<digest of its keys>``, and the old
one goes when the new one stands, so that no query and no promise is ever without either. What is
there under another name with the same keys and options is taken as it is; what nobody here has
named is left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from odmantic.index import ODMBaseIndex
from odmantic.model import Model

JUDGED_OPTIONS = ("unique", "sparse", "partialFilterExpression", "expireAfterSeconds")
"""The options in which two indexes on the same keys may differ."""

_DIGEST = re.compile(r"-[0-9a-f]{8}$")


@dataclass(frozen=True)
class Spec:
    """One index: its name, and what it is apart from that."""

    name: str
    keys: tuple[tuple[str, Any], ...]
    options: Mapping[str, Any]

    @property
    def same_as(self) -> str:
        """Equal for indexes that are the same but for their name."""
        return json.dumps([self.keys, sorted(self.options.items())], default=_told)

    @property
    def unique(self) -> bool:
        """Whether it decides what may be stored."""
        return bool(self.options.get("unique"))

    @property
    def fields(self) -> frozenset[str]:
        """What it is about, in whatever order."""
        return frozenset(name for name, _ in self.keys)

    @property
    def family(self) -> str:
        """The name that it was first given."""
        return _DIGEST.sub("", self.name)

    def renamed(self) -> Spec:
        """The same under a name that no other has."""
        digest = sha256(self.same_as.encode()).hexdigest()[:8]
        return Spec(f"{self.family}-{digest}", self.keys, self.options)

    def command(self, collection: str) -> str:
        """What makes it in MongoDB's shell."""
        options = {"name": self.name, **self.options}
        return f"db.{collection}.createIndex({json.dumps(dict(self.keys))}, {json.dumps(options)})"


@dataclass(frozen=True)
class Plan:
    """What to make, what to drop when that stands, and what only a person may drop."""

    make: tuple[Spec, ...]
    drop: tuple[Spec, ...]
    left: tuple[Spec, ...]


def wanted_of(model: type[Model]) -> tuple[Spec, ...]:
    """The indexes that a model says it has."""
    indexes = (
        one.get_pymongo_index() if isinstance(one, ODMBaseIndex) else one
        for one in model.__indexes__()
    )
    return tuple(spec_of(index.document) for index in indexes)


def spec_of(document: Mapping[str, Any]) -> Spec:
    """An index as ``listIndexes`` tells of it, or as it is made."""
    options = {name: document[name] for name in JUDGED_OPTIONS if document.get(name)}
    keys = tuple((name, _number(direction)) for name, direction in document["key"].items())
    return Spec(document["name"], keys, options)


def plan(wanted: Sequence[Spec], there: Sequence[Spec]) -> Plan:
    """What has to be done about the indexes of one collection."""
    known = {one.same_as for one in there}
    taken = {one.name for one in there}
    make = [
        one.renamed() if one.name in taken else one for one in wanted if one.same_as not in known
    ]
    asked = {one.same_as for one in wanted}
    by_family = {one.family: one for one in wanted}
    old = [one for one in there if one.family in by_family and one.same_as not in asked]
    drop = [one for one in old if _may_go(one, by_family[one.family])]
    return Plan(tuple(make), tuple(drop), tuple(one for one in old if one not in drop))


def in_the_way(spec: Spec, old: Iterable[Spec]) -> tuple[Spec, ...]:
    """Of the indexes that are to go: those beside which MongoDB may refuse to make this one."""
    return tuple(one for one in old if one.keys == spec.keys and not one.unique)


def _may_go(old: Spec, new: Spec) -> bool:
    """A unique index keeps a promise: it goes only for one that keeps the same."""
    return not old.unique or (new.unique and new.fields == old.fields)


def _told(value: Any) -> str:
    """A moment is the same with a time zone, as models have it, and without, as it is read."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return str(value)


def _number(direction: Any) -> Any:
    """Servers tell of directions as integers or floats."""
    return int(direction) if isinstance(direction, float) else direction
