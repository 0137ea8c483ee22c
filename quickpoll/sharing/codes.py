"""Giving out codes, and following them.

Invariants:

- A page has one living code and a code has one page, whoever asks at the same time: two unique
  indexes decide.
- Whether a code lives is judged whenever it is used, by its page as MongoDB has it then. That it
  has ended is written down: so it stays ended when its poll is opened again later, and it is not
  given out again before MongoDB has forgotten it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.periodic import Periodic
from quickpoll.sharing.models import ShareCode
from quickpoll.sharing.pages import SharedPage, SharedPages
from quickpoll.sharing.rules import has_ended, new_code
from quickpoll.sharing.store import CodeStore

SWEEP_SECONDS = 60.0
MOST_AT_ONCE = 500
MOST_TRIES = 20


class Codes:
    """Codes of all kinds of pages."""

    def __init__(self, store: CodeStore, kinds: Iterable[SharedPages]) -> None:
        self._store = store
        self._kinds = {one.kind: one for one in kinds}
        self._loop = Periodic("codes", SWEEP_SECONDS, self.sweep)

    def start(self) -> None:
        """Start writing down which codes have ended."""
        self._loop.start()

    async def aclose(self) -> None:
        """Stop; another instance goes on."""
        await self._loop.aclose()

    async def share(self, caller: Caller, kind: str, target: str) -> str:
        """The code of a page: the same as long as it lives. Raises what says why not."""
        page = await self._kinds[kind].managed(caller, target)
        for _ in range(MOST_TRIES):
            found = await self._store.living_of(target)
            if found is not None:
                if not has_ended(page, found.created_at, datetime.now(UTC)):
                    return str(found.code)
                await self._store.end(found)
            new = _made(kind, target)
            if await self._store.insert(new):
                return str(new.code)
            # Somebody has this code, or was first to share this page (perhaps the driver's own
            # first try): look again.
        raise Unavailable

    async def follow(self, code: str) -> str | None:
        """The path that a code leads to, ``None`` where it leads nowhere."""
        found = await self._store.find(code)
        if found is None:
            return None
        page = (await self._kinds[found.kind].pages([str(found.target)])).get(str(found.target))
        if page is None or has_ended(page, found.created_at, datetime.now(UTC)):
            await self._store.end(found)
            return None
        return page.path

    async def sweep(self) -> None:
        """Write down of all codes whether they have ended."""
        last: ObjectId | None = None
        while batch := await self._store.living_after(last, MOST_AT_ONCE):
            await self._end_those_over(batch)
            last = batch[-1].id

    async def _end_those_over(self, batch: list[ShareCode]) -> None:
        pages = await self._pages(batch)
        for one in batch:
            if has_ended(pages.get(str(one.target)), one.created_at, datetime.now(UTC)):
                await self._store.end(one)

    async def _pages(self, batch: list[ShareCode]) -> dict[str, SharedPage]:
        targets: defaultdict[str, list[str]] = defaultdict(list)
        for one in batch:
            targets[one.kind].append(str(one.target))
        found: dict[str, SharedPage] = {}
        for kind, ids in targets.items():
            found |= await self._kinds[kind].pages(ids)
        return found


def _made(kind: str, target: str) -> ShareCode:
    return ShareCode(
        id=ObjectId(),
        code=new_code(),
        kind=kind,
        target=ObjectId(target),
        created_at=datetime.now(UTC),
    )
