"""What is left of the results of queries that asked for them in batches."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

from bench.memory_mongo.values import Document
from bench.memory_mongo.wire import cursor_reply


class Cursors:
    """Results that are read in several commands; each goes with its last batch."""

    def __init__(self) -> None:
        self._left: dict[int, tuple[str, Iterator[bytes]]] = {}
        self._ids = count(1)

    def first(self, namespace: str, documents: Iterator[bytes], size: int) -> bytes:
        """The reply to a query; ``size`` 0: all at once."""
        if not size:
            return cursor_reply(namespace, list(documents))
        return self._reply(next(self._ids), namespace, documents, size, "firstBatch")

    def more(self, command: Document, _sequence: list[bytes]) -> bytes:
        """The reply to ``getMore``."""
        cursor_id, size = int(command["getMore"]), int(command.get("batchSize") or 0)
        namespace, documents = self._left.pop(cursor_id)
        return self._reply(cursor_id, namespace, documents, size or 1_000, "nextBatch")

    def kill(self, command: Document, _sequence: list[bytes]) -> Document:
        """Forget what nobody will read."""
        for cursor_id in command["cursors"]:
            self._left.pop(int(cursor_id), None)
        return {}

    def _reply(
        self, cursor_id: int, namespace: str, documents: Iterator[bytes], size: int, name: str
    ) -> bytes:
        batch = list(islice(documents, size))
        if len(batch) < size:
            cursor_id = 0
        else:
            self._left[cursor_id] = namespace, documents
        return cursor_reply(namespace, batch, cursor_id, name)
