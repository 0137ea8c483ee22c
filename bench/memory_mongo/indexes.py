"""The indexes of a collection: by values, by how many have each, and in an order."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from bench.memory_mongo.values import Document, at_path, first_at_path, hashable, ordered

Key = Any
Fields = tuple[str, ...]


class HashIndex:
    """Documents by the values of some fields; arrays are indexed by member."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.buckets: dict[Any, dict[Key, None]] = {}

    def keys_of(self, document: Document) -> list[Any]:
        """The entries under which a document stands."""
        if not any(isinstance(document.get(field), list) or "." in field for field in self.fields):
            return [tuple(hashable(document.get(field)) for field in self.fields)]
        columns = []
        for field in self.fields:
            values = list(at_path(document, field)) or [None]
            members = [m for v in values for m in (v if isinstance(v, list) else [v])]
            columns.append({hashable(member): None for member in members} or {None: None})
        return list(itertools.product(*columns))

    def add(self, key: Key, document: Document) -> None:
        """Enter a document."""
        for entry in self.keys_of(document):
            bucket = self.buckets.get(entry)
            if bucket is None:
                self.buckets[entry] = {key: None}
            else:
                bucket[key] = None

    def remove(self, key: Key, document: Document) -> None:
        """Take a document out."""
        for entry in self.keys_of(document):
            bucket = self.buckets.get(entry, {})
            bucket.pop(key, None)
            if not bucket:
                self.buckets.pop(entry, None)


class CountIndex:
    """How many documents have each value of the last field, beside values of those before it."""

    def __init__(self, fields: Fields) -> None:
        self._entries = HashIndex(fields).keys_of
        self.sizes: dict[Any, dict[Any, int]] = {}

    def add(self, key: Key, document: Document) -> None:
        """Count a document."""
        self._shift(document, 1)

    def remove(self, key: Key, document: Document) -> None:
        """Discount a document."""
        self._shift(document, -1)

    def _shift(self, document: Document, step: int) -> None:
        for entry in self._entries(document):
            sizes = self.sizes.setdefault(entry[:-1], {})
            sizes[entry[-1]] = sizes.get(entry[-1], 0) + step


class SortedIndex:
    """Documents in the order of some fields, built when a sorted query first asks for it;
    ``partial``: those alone that have the last one."""

    def __init__(
        self, fields: Fields, documents: Iterable[tuple[Key, Document]], *, partial: bool
    ) -> None:
        self.fields = fields
        self._partial = partial
        self.entries = sorted((self._entry(doc), key) for key, doc in documents if self._has(doc))

    def _has(self, document: Document) -> bool:
        return not self._partial or first_at_path(document, self.fields[-1]) is not None

    def _entry(self, document: Document) -> tuple[Any, ...]:
        return tuple(ordered(first_at_path(document, field)) for field in self.fields)

    def add(self, key: Key, document: Document) -> None:
        """Enter a document."""
        if not self._has(document):
            return
        bisect.insort(self.entries, (self._entry(document), key))

    def remove(self, key: Key, document: Document) -> None:
        """Take a document out."""
        position = bisect.bisect_left(self.entries, (self._entry(document), key))
        if position < len(self.entries) and self.entries[position][1] == key:
            del self.entries[position]

    def walk(self, prefix: tuple[Any, ...], *, descending: bool) -> Iterator[Key]:
        """The keys of the documents whose first fields equal ``prefix``, in order."""
        length = len(prefix)
        low = bisect.bisect_left(self.entries, prefix, key=lambda entry: entry[0][:length])
        high = bisect.bisect_right(self.entries, prefix, key=lambda entry: entry[0][:length])
        positions = range(high - 1, low - 1, -1) if descending else range(low, high)
        for position in positions:
            yield self.entries[position][1]

    def between(self, low: tuple[Any, ...], high: tuple[Any, ...]) -> list[Key]:
        """The keys of the documents from one entry to another, both included."""
        start = bisect.bisect_left(self.entries, low, key=lambda entry: entry[0])
        end = bisect.bisect_right(self.entries, high, key=lambda entry: entry[0])
        return [key for _, key in self.entries[start:end]]
