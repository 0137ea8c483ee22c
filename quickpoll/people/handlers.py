"""What the routes about a person do, apart from any framework."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

from quickpoll.auth.caller import Caller
from quickpoll.errors import Forbidden, NotFound
from quickpoll.foundation.http.answers import Reply, json_reply
from quickpoll.people.erasures import Erasures
from quickpoll.people.export import PersonExport
from quickpoll.personal.jobs import ErasureStore
from quickpoll.polls.ids import checked_id
from quickpoll.polls.models import NOBODY

STATUS_ADDRESS = "/api/user/erasure/"
FIRST_PIECE_SECONDS = 0.5
NO_ERASURE = "There is no such erasure, or it is not yours."


class PeopleHandlers:
    """Export and erase a person's data."""

    def __init__(self, export: PersonExport, erasures: Erasures, jobs: ErasureStore) -> None:
        self._export = export
        self._erasures = erasures
        self._jobs = jobs

    async def export(
        self, caller: Caller, user_id: str
    ) -> tuple[dict[str, str], Awaitable[bytes], AsyncIterator[bytes]]:
        """Headers, the first piece (once it is there) and the rest of a person's data, for that
        person and admins.

        Raises :class:`~quickpoll.errors.Forbidden` for others.
        """
        user = _own(caller, user_id)
        await self._jobs.of(user)  # where MongoDB is away it is an error, and no half
        pieces = self._export.pieces(user)
        # Most people's is read as a whole by then; whoever has very much need not wait for it.
        first = asyncio.ensure_future(anext(pieces))
        await asyncio.wait({first}, timeout=FIRST_PIECE_SECONDS)
        if first.done():
            first.result()
        name = f'attachment; filename="user-{user}.json"'
        return {"Content-Disposition": name}, first, pieces

    async def erase(self, caller: Caller, user_id: str) -> Reply:
        """Begin to erase a person's data; the same again is the same erasure."""
        erasure = await self._erasures.request(_own(caller, user_id))
        job_id = str(erasure.id)
        return json_reply({"jobId": job_id}, 202, {"Location": f"{STATUS_ADDRESS}{job_id}"})

    async def status(self, caller: Caller, job_id: str) -> Reply:
        """How far an erasure is, for whose it is and admins.

        Raises :class:`~quickpoll.errors.NotFound` for others.
        """
        job = checked_id("job_id", job_id)
        erasure = await self._jobs.get(job)
        if erasure is None:
            raise NotFound(NO_ERASURE)
        if not (caller.admin or await self._jobs.is_of(erasure, caller.user_id)):
            raise NotFound(NO_ERASURE)
        return json_reply({"jobId": job, "status": erasure.status})


def _own(caller: Caller, user_id: str) -> str:
    user = checked_id("user_id", user_id)
    if user == str(NOBODY):
        raise NotFound("This id is nobody's: the polls of people who were erased are.")
    if not caller.admin and caller.user_id != user:
        raise Forbidden("Only this person or an administrator may do this.")
    return user
