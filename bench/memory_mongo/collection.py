"""One collection: documents as BSON bytes, found through hash and sorted indexes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import bson

from bench.memory_mongo.indexes import CountIndex, Fields, HashIndex, Key, SortedIndex
from bench.memory_mongo.query import equalities, matches, only_equalities, span
from bench.memory_mongo.values import Document, first_at_path, hashable, ordered


class DuplicateKeyError(Exception):
    """A unique index holds another document with the same values."""

    def __init__(self, index: str, pattern: Document, value: Document) -> None:
        super().__init__(f"E11000 duplicate key error index: {index} dup key: {value}")
        self.pattern, self.value = pattern, value


class Collection:
    """Documents and the indexes over them."""

    def __init__(self) -> None:
        self.records: dict[Key, bytes] = {}
        self.declared: dict[str, Document] = {"_id_": {"v": 2, "key": {"_id": 1}, "name": "_id_"}}
        self._unique: list[tuple[str, HashIndex]] = []
        self._hashes: dict[Fields, HashIndex] = {}
        self._counts: dict[Fields, CountIndex] = {}
        self._sorted: dict[Fields, SortedIndex] = {}

    def declare(self, spec: Document) -> None:
        """Create an index as ``createIndexes`` describes it."""
        if spec["name"] in self.declared:
            return
        self.declared[spec["name"]] = spec
        if spec.get("unique"):
            self._unique.append((spec["name"], self._hash(tuple(spec["key"]))))

    def documents(self) -> Iterator[tuple[Key, Document]]:
        """Every document, decoded."""
        return ((key, bson.decode(raw)) for key, raw in list(self.records.items()))

    def insert(self, raw: bytes, document: Document) -> None:
        """Add a document. Raises :class:`DuplicateKeyError`."""
        key = hashable(document["_id"])
        if key in self.records:
            raise DuplicateKeyError("_id_", {"_id": 1}, {"_id": document["_id"]})
        self._refuse_duplicate(key, document)
        self.records[key] = raw
        self._enter(key, document)

    def replace(self, key: Key, old: Document, new: Document) -> None:
        """Put ``new`` in the place of ``old``. Raises :class:`DuplicateKeyError`."""
        self._refuse_duplicate(key, new)
        for index in self._all():
            index.remove(key, old)
        self.records[key] = bson.encode(new)
        self._enter(key, new)

    def delete(self, key: Key) -> None:
        """Take a document out."""
        document = bson.decode(self.records.pop(key))
        for index in self._all():
            index.remove(key, document)

    def find(
        self, query: Document, sort: Document | None = None, limit: int = 0, skip: int = 0
    ) -> list[Key]:
        """The keys of the documents that match, sorted and cut."""
        end = skip + limit if limit else None
        if sort:
            walk = self._walk(query, sort)
            if walk is not None:
                found = (key for key in walk if matches(bson.decode(self.records[key]), query))
                return list(itertools.islice(found, skip, end))
        keys = self._matching(query, None if sort else end)
        if sort:
            keys = self._sort(keys, sort)
        return keys[skip:end]

    def count(self, query: Document) -> int:
        """How many documents match; through an index alone where the filter is covered by one."""
        if not query:
            return len(self.records)
        equal = equalities(query)
        fields = self._index_for(equal)
        single = all(len(values) == 1 for values in equal.values())
        if len(fields) == len(query) and single and only_equalities(query):
            entry = tuple(hashable(equal[field][0]) for field in fields)
            return len(self._hash(fields).buckets.get(entry, ()))
        return len(self._matching(query, None))

    def group_sizes(self, query: Document, field: str) -> dict[Any, int] | None:
        """Matching documents per value of ``field``, or None if no index says it by itself."""
        equal = equalities(query)
        fields = (*equal, field)
        declared = any(tuple(s["key"])[: len(fields)] == fields for s in self.declared.values())
        if len(equal) != len(query) or not only_equalities(query) or not declared:
            return None
        index = self._counting(fields)
        sizes: dict[Any, int] = {}
        for values in itertools.product(*(map(hashable, v) for v in equal.values())):
            for value, number in index.sizes.get(values, {}).items():
                sizes[value] = sizes.get(value, 0) + number
        return sizes

    def _refuse_duplicate(self, key: Key, document: Document) -> None:
        for name, index in self._unique:
            for entry in index.keys_of(document):
                bucket = index.buckets.get(entry)
                if bucket and key not in bucket:
                    value = {field: document.get(field) for field in index.fields}
                    raise DuplicateKeyError(name, self.declared[name]["key"], value)

    def _enter(self, key: Key, document: Document) -> None:
        for index in self._all():
            index.add(key, document)

    def _all(self) -> list[HashIndex | CountIndex | SortedIndex]:
        return [*self._hashes.values(), *self._counts.values(), *self._sorted.values()]

    def _counting(self, fields: Fields) -> CountIndex:
        index = self._counts.get(fields)
        if index is None:
            index = self._counts[fields] = CountIndex(fields)
            for key, document in self.documents():
                index.add(key, document)
        return index

    def _hash(self, fields: Fields) -> HashIndex:
        index = self._hashes.get(fields)
        if index is None:
            index = self._hashes[fields] = HashIndex(fields)
            for key, document in self.documents():
                index.add(key, document)
        return index

    def _index_for(self, equal: dict[str, list[Any]]) -> Fields:
        """The longest run of leading fields of a declared index that the filter fixes."""
        best: Fields = ()
        for spec in self.declared.values():
            fields = tuple(itertools.takewhile(equal.__contains__, spec["key"]))
            best = max(best, fields, key=len)
        return best

    def _matching(self, query: Document, end: int | None) -> list[Key]:
        equal = equalities(query)
        fields = ("_id",) if "_id" in equal else self._index_for(equal)
        within = self._within(query, equal)
        keys = self._candidates(fields, equal) if within is None else within
        if within is None and len(fields) == len(query) and only_equalities(query):
            return list(itertools.islice(keys, end))
        found = (key for key in keys if matches(bson.decode(self.records[key]), query))
        return list(itertools.islice(found, end))

    def _within(self, query: Document, equal: dict[str, list[Any]]) -> list[Key] | None:
        """The candidates by a declared index that ends in a span, if there is one."""
        for spec in self.declared.values():
            prefix = tuple(itertools.takewhile(lambda f: len(equal.get(f, ())) == 1, spec["key"]))
            name = next(itertools.islice(spec["key"], len(prefix), None), None)
            if name is None or not (prefix or "partialFilterExpression" in spec):
                continue
            bounds = span(query, name)
            if bounds is not None:
                index = self._sorted_index((*prefix, name))
                fixed = tuple(ordered(equal[field][0]) for field in prefix)
                low, high = ((*fixed, ordered(bound)) for bound in bounds)
                return index.between(low, high)
        return None

    def _candidates(self, fields: Fields, equal: dict[str, list[Any]]) -> Iterable[Key]:
        if not fields:
            return list(self.records)
        if fields == ("_id",):
            wanted = dict.fromkeys(hashable(value) for value in equal["_id"])
            return [key for key in wanted if key in self.records]
        buckets = self._hash(fields).buckets
        entries = itertools.product(*([hashable(v) for v in equal[field]] for field in fields))
        return list(dict.fromkeys(key for entry in entries for key in buckets.get(entry, ())))

    def _walk(self, query: Document, sort: Document) -> Iterator[Key] | None:
        """The candidates in the order wanted, where a declared index has it."""
        equal = {name: v[0] for name, v in equalities(query).items() if len(v) == 1}
        directions = set(sort.values())
        if len(directions) != 1:
            return None
        order = tuple(sort)
        for spec in self.declared.values():
            fields = tuple(spec["key"])
            prefix = tuple(itertools.takewhile(lambda f: f in equal and f not in order, fields))
            if fields[len(prefix) : len(prefix) + len(order)] == order:
                index = self._sorted_index((*prefix, *order))
                values = tuple(ordered(equal[field]) for field in prefix)
                return index.walk(values, descending=directions == {-1})
        return None

    def _sorted_index(self, fields: Fields) -> SortedIndex:
        if fields not in self._sorted:
            partial = any(
                tuple(spec["key"]) == fields and "partialFilterExpression" in spec
                for spec in self.declared.values()
            )
            self._sorted[fields] = SortedIndex(fields, self.documents(), partial=partial)
        return self._sorted[fields]

    def _sort(self, keys: list[Key], sort: Document) -> list[Key]:
        documents = {key: bson.decode(self.records[key]) for key in keys}
        for field, direction in reversed(sort.items()):
            keys.sort(
                key=lambda key: ordered(first_at_path(documents[key], field)),
                reverse=direction == -1,
            )
        return keys
