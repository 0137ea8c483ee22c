"""A person's data to take home: everything that the rooms declare, written as it is read.

Bounded in memory: documents come in batches, and what is written goes out before more is read. No
count is in it, so what others' polls hide stays hidden.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from bson import ObjectId

from quickpoll.foundation.concurrency.time_limits import THOROUGH_SECONDS
from quickpoll.foundation.stores.holdings import SECTIONS, Export, Holding
from quickpoll.foundation.stores.mongo import Database, Document, deadline

DOCUMENTS_AT_ONCE = 200

PIECE_BYTES = 32 * 1024
"""What is written goes out in pieces of at least this size."""


class PersonExport:
    """Writes exports."""

    def __init__(self, database: Database, holdings: Iterable[Holding]) -> None:
        self._database = database
        found = [(one.collection, export) for one in holdings for export in one.exports]
        self._sections = {
            name: [
                (export.collection or collection, export)
                for collection, export in found
                if export.section == name
            ]
            for name in SECTIONS
        }

    async def pieces(self, user_id: str) -> AsyncIterator[bytes]:
        """The export of one person as JSON, piece by piece. Raises a MongoDB error."""
        written = bytearray()
        async for part in self._parts(ObjectId(user_id)):
            written += part
            if len(written) >= PIECE_BYTES:
                yield bytes(written)
                written.clear()
        yield bytes(written)

    async def _parts(self, user: ObjectId) -> AsyncIterator[bytes]:
        for place, (name, sources) in enumerate(self._sections.items()):
            yield b'%b"%b":[' % (b"," if place else b"{", name.encode())
            first = True
            for collection, export in sources:
                async for shown in self._shown(user, collection, export):
                    yield shown if first else b"," + shown
                    first = False
            yield b"]"
        yield b"}"

    async def _shown(self, user: ObjectId, collection: str, export: Export) -> AsyncIterator[bytes]:
        documents = self._database[collection]
        found = documents.find(export.query(user), batch_size=DOCUMENTS_AT_ONCE)
        while batch := await _next(found):
            now = datetime.now(UTC)
            for document in batch:
                shown = export.shown(document, now)
                if shown is not None:
                    yield orjson.dumps(shown)


async def _next(found: Any) -> list[Document]:
    with deadline(THOROUGH_SECONDS):
        documents: list[Document] = await found.to_list(DOCUMENTS_AT_ONCE)
    return documents
