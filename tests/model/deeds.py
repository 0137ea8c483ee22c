"""What the people of a play do: vote and like, close and reopen, recount and read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from typing import Any

from pymongo.errors import PyMongoError

from quickpoll.auth.caller import Caller
from quickpoll.errors import PollNotFound, QuickPollError
from quickpoll.foundation.stores.redis import RedisAway
from quickpoll.likes.rules import Act
from quickpoll.results.poll_view import tally_revision, view_without_ballot
from tests.model.judging import Person, Shown
from tests.model.members import Member, ModelTime
from tests.model.scenario import OWNER, options, polls, users
from tests.model.standing import Standing


class Deeds(Standing):
    """What each may do, by the word for it."""

    async def _act(self, name: str, words: str) -> None:
        for act in words.split(";"):
            together = [one.split() for one in act.split("+")]
            await asyncio.gather(*[self._do(self.members[name], one) for one in together])

    async def _do(self, member: Member, words: list[str]) -> None:
        verb, *more = words
        try:
            await self._verbs[verb](self, member, *more)
            said = "done"
        except (QuickPollError, RedisAway, PyMongoError) as error:
            said = type(error).__name__
        self.done.setdefault(member.name, []).append(f"{verb} {said}")

    async def _vote(self, member: Member, user: str, option: str, poll: str = "p") -> None:
        poll_id, choice = polls[poll], (options[option],)
        await self._for(
            ("vote", poll_id, users[user]),
            member.casting.cast(users[user], poll_id, choice),
            choice,
        )

    async def _retract(self, member: Member, user: str, poll: str = "p") -> None:
        poll_id = polls[poll]
        await self._for(
            ("vote", poll_id, users[user]), member.casting.retract(users[user], poll_id), ()
        )

    async def _like(self, member: Member, user: str, poll: str = "p") -> None:
        poll_id = polls[poll]
        act = member.liking.act(users[user], poll_id, Act.SET)
        await self._for(("like", poll_id, users[user]), act, ("liked",))

    async def _unlike(self, member: Member, user: str, poll: str = "p") -> None:
        poll_id = polls[poll]
        act = member.liking.act(users[user], poll_id, Act.UNSET)
        await self._for(("like", poll_id, users[user]), act, ())

    async def _for(self, person: Person, act: Awaitable[Any], choice: tuple[str, ...]) -> None:
        judge = self.judges[person[1]]
        judge.begins(person)
        try:
            await act
        except Exception:
            judge.ends(person, None)
            raise
        await self.stage.alive()
        self._look_at_documents()
        judge.ends(person, choice)

    async def _close(self, member: Member) -> None:
        await member.changes.close(Caller(OWNER), polls["p"])
        await self.stage.alive()
        self._look_at_documents()
        judge = self.judges[polls["p"]]
        judge.closed = judge.standing()

    async def _reopen(self, member: Member) -> None:
        self.judges[polls["p"]].closed = None
        await member.changes.reopen(Caller(OWNER), polls["p"])

    async def _recount(self, member: Member) -> None:
        await member.rebuilder.recount(polls["p"])

    async def _read(self, member: Member) -> None:
        poll_id = polls["p"]
        judge = self.judges[poll_id]
        since = judge.acknowledged()
        tally = await member.reader.read_one(poll_id)
        if tally is None:
            raise PollNotFound
        known = await member.polls.current({poll_id: tally_revision(tally)})
        sight = view_without_ballot(known[poll_id], tally, ModelTime.now(UTC), open_to=True)
        await self.stage.alive()
        self._look_at_documents()
        state = sight.status, known[poll_id].poll.revision
        shown = Shown(sight.version, tally.options, tally.voters, tally.likes, state)
        judge.check(shown, since)

    _verbs: Mapping[str, Callable[..., Awaitable[None]]] = {
        "vote": _vote,
        "retract": _retract,
        "like": _like,
        "unlike": _unlike,
        "close": _close,
        "reopen": _reopen,
        "recount": _recount,
        "read": _read,
    }
