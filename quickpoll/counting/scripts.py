"""What Redis does for the counts: each Lua script of :mod:`.lua` one typed method.

Every method raises :class:`~quickpoll.foundation.stores.redis.RedisAway`. A script may run twice,
where its answer was lost with the connection: each is safe to repeat.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from quickpoll.counting import lua, lua_repair
from quickpoll.counting.answers import BarrierView, InFlight, Inspection, Marked, PollState
from quickpoll.counting.keys import Keys
from quickpoll.counting.tally import Counted, Delta, Mark, PollChange
from quickpoll.foundation.concurrency.time_limits import (
    BARRIER_SECONDS,
    LEASE_SECONDS,
    MARK_SECONDS,
)
from quickpoll.foundation.stores.redis import Call, RedisLink


class TallyScripts:
    """Runs the scripts on the keys of polls."""

    def __init__(self, link: RedisLink, keys: Keys) -> None:
        self.link = link
        self.keys = keys

    async def mark(self, token: str, marks: Mapping[str, Mark], *, pass_barriers: bool) -> Marked:
        """Mark a batch as in flight on these polls."""
        keys = self.keys
        names = [n for i in marks for n in (keys.state(i), keys.writes(i), keys.barrier(i))]
        run = self.link.run_id
        texts = [mark.text for mark in marks.values()]
        call = lua.MARK, names, [token, _ms(MARK_SECONDS), run, int(pass_barriers), *texts]
        # The mark stands before the entry is made, and the reconciler looks at the marks after it
        # has removed an entry: so an entry is never missed.
        found, _ = await self.link.run_in_order(call, self._looking_at(marks, MARK_SECONDS, "LT"))
        until, *answers = found
        if self.link.run_id != run:  # answered by another server than the one that was meant
            answers = [min(revision, 0) for revision in answers]
        return Marked(until, dict(zip(marks, answers, strict=True)))

    async def apply(
        self,
        token: str,
        poll_ids: Sequence[str],
        deltas: Mapping[str, Delta],
        unsure: Iterable[str],
        until: int = 0,
        found: Collection[str] = (),
    ) -> set[str]:
        """Take a batch's marks off and add what it changed, where they still have the deadline with
        which they were made (``until``); answers the polls to be recounted. ``found`` are polls of
        which something was read that stood before."""
        names: list[str] = []
        body = []
        doubtful = set(unsure)
        for poll_id in poll_ids:
            delta = deltas.get(poll_id) or Delta()
            steps = delta.steps()
            names += [self.keys.state(poll_id), self.keys.writes(poll_id)]
            names += [self.keys.option(poll_id, option) for option, _ in steps]
            names += [self.keys.likes(poll_id)] if delta.likes else []
            body.append(
                {
                    "id": poll_id,
                    "options": steps,
                    "voters": delta.voters,
                    "likes": delta.likes,
                    "retracted": int(delta.retracted),
                    "found": int(poll_id in found),
                    "unsure": int(poll_id in doubtful),
                }
            )
        lifetime = _ms(MARK_SECONDS)
        arguments = token, self.link.run_id, self.keys.updates, lifetime, orjson.dumps(body), until
        counted = await self.link.run(lua.APPLY, names, *arguments)
        return {i for i, one in zip(poll_ids, counted, strict=True) if not one}

    async def create(
        self,
        token: str,
        poll_id: str,
        option_ids: Sequence[str],
        revision: int,
        floor: int,
        until: int,
    ) -> bool:
        """Start the counts of a new poll at nothing and announce it; answers whether they start."""
        keys = self.keys
        plain = [keys.option(poll_id, option) for option in option_ids]
        names = [keys.state(poll_id), keys.writes(poll_id), *plain, keys.likes(poll_id)]
        run, channel = self.link.run_id, keys.updates
        arguments = token, run, channel, poll_id, revision, floor, until, *option_ids
        return bool(await self.link.run(lua.CREATE, names, *arguments))

    async def announce(self, token: str, poll_id: str, change: PollChange, floor: int) -> bool:
        """Take a change's mark off and announce it; answers false where a recount must follow."""
        names = [self.keys.state(poll_id), self.keys.writes(poll_id)]
        run, channel = self.link.run_id, self.keys.updates
        what = change.name, change.revision, floor, int(change.repeated)
        options = self.keys.option(poll_id, ""), *change.option_ids
        arguments = token, run, channel, poll_id, *what, *options
        return bool(await self.link.run(lua.ANNOUNCE, names, *arguments))

    async def remove(
        self,
        poll_id: str,
        option_ids: Iterable[str] = (),
        *,
        public: bool | None = None,
        behind: str = "",
    ) -> bool:
        """Remove every key of a deleted poll and announce that. Where it was only found to be gone,
        ``behind`` a barrier that is closed, only if it had counts: there may never have been such a
        poll. Answers false where it may be there by now."""
        keys = self.keys
        plain = [keys.option(poll_id, option) for option in option_ids]
        own = [keys.state(poll_id), keys.writes(poll_id), keys.barrier(poll_id)]
        said = "" if public is None else str(public).lower()
        names = [*own, keys.likes(poll_id), *plain]
        arguments = keys.updates, poll_id, 2 if behind else 1, said, behind
        removed = bool(await self.link.run(lua_repair.REMOVE, names, *arguments))
        if removed:
            await self.link.call("ZREM", keys.due, poll_id)
        return removed

    async def give_up(self, poll_ids: Sequence[str]) -> None:
        """Declare counts incomplete, and have them recounted at once."""
        for start in range(0, len(poll_ids), 500):
            some = poll_ids[start : start + 500]
            names = [self.keys.state(i) for i in some]
            await self.link.run(lua.GIVE_UP, names, self.link.run_id, _ms(MARK_SECONDS))
            await self.look_at(some, 0.0, "LT")

    async def close_barrier(self, poll_id: str, token: str, *, wait: bool) -> BarrierView:
        """Hold off the writers of a poll. Without ``wait`` what is in flight becomes stale: a count
        may begin."""
        keys = self.keys
        names = [keys.barrier(poll_id), keys.writes(poll_id), keys.state(poll_id)]
        arguments = token, _ms(BARRIER_SECONDS), int(not wait)
        found = await self.link.run(lua_repair.CLOSE_BARRIER, names, *arguments)
        if found[0] < 0:
            return BarrierView("", 0, {})
        in_flight, barrier, *expired = found
        pairs = zip(expired[::2], expired[1::2], strict=True)
        return BarrierView(barrier, in_flight, {one: Mark.parse(text) for one, text in pairs})

    async def keep_barrier(self, poll_id: str, barrier: str) -> bool:
        """Keep a barrier closed; answers whether it still was."""
        names = [self.keys.barrier(poll_id)]
        return bool(
            await self.link.run(lua_repair.KEEP_BARRIER, names, barrier, _ms(BARRIER_SECONDS))
        )

    async def leave_barrier(self, poll_id: str, token: str) -> None:
        """Open a barrier without a count; one that is not there is no error."""
        await self.link.run(lua_repair.LEAVE_BARRIER, [self.keys.barrier(poll_id)], token)

    async def open_barrier(
        self,
        poll_id: str,
        barrier: str,
        counted: Counted,
        fenced: Iterable[str],
        floors: tuple[int, int],
    ) -> int:
        """Put a fresh count in place and let the writers in again.

        ``floors``: a version and a public version that must be exceeded. Answers -1 where it must
        be counted again at once, else how many counts were wrong though they had been trusted.
        """
        keys = self.keys
        body = {
            "id": poll_id,
            "options": list(counted.options.items()),
            "voters": counted.voters,
            "likes": counted.likes,
            "revision": counted.revision,
            "change": counted.change,
        }
        own = [keys.state(poll_id), keys.barrier(poll_id), keys.writes(poll_id)]
        wrong: int = await self.link.run(
            lua_repair.OPEN_BARRIER,
            [*own, *map(partial(keys.option, poll_id), counted.options), keys.likes(poll_id)],
            barrier,
            self.link.run_id,
            keys.updates,
            orjson.dumps(body),
            floors[0],
            _ms(MARK_SECONDS),
            orjson.dumps(list(fenced)),
            floors[1],
            keys.option(poll_id, ""),
        )
        return wrong

    async def inspect(self, poll_id: str) -> Inspection:
        """What the reconciler needs to know of a poll."""
        keys = self.keys
        names = [keys.state(poll_id), keys.writes(poll_id), keys.barrier(poll_id)]
        kind, version, wait, built, *left = await self.link.run(
            lua_repair.INSPECT, names, self.link.run_id
        )
        age = MARK_SECONDS - left[0] / 1000 if left else 0.0
        return Inspection(PollState(kind), version, wait / 1000, built / 1000, age)

    async def in_flight(self, poll_id: str, user_id: str = "") -> InFlight:
        """The batches that are writing to a poll; for a user, where one is named."""
        names = [self.keys.state(poll_id), self.keys.writes(poll_id)]
        run = self.link.run_id
        unmarked, *marks = await self.link.run(lua_repair.IN_FLIGHT, names, run, user_id)
        if self.link.run_id != run:  # another server has answered, which may lack marks
            unmarked = -1
        left = {token: ms / 1000 for token, ms in zip(marks[::2], marks[1::2], strict=True)}
        return InFlight(None if unmarked < 0 else unmarked / 1000, left)

    async def look_at(self, poll_ids: Iterable[str], seconds: float, condition: str) -> None:
        """Have the reconciler look at polls in so many seconds. ``condition`` is one of ``ZADD``:
        ``LT`` no later than planned, ``XX`` only what is planned anyway."""
        wanted = list(poll_ids)
        if wanted:
            await self.link.run_in_order(self._looking_at(wanted, seconds, condition))

    async def due(self, most: int) -> dict[str, str]:
        """The polls that the reconciler is to look at now, each with the time of its entry."""
        found = await self.link.run(lua_repair.DUE_NOW, [self.keys.due], most)
        return dict(zip(found[::2], found[1::2], strict=True))

    async def looked_at(self, poll_id: str, entry: str, again: float | None) -> None:
        """A poll was found right: it is looked at ``again`` in so many seconds, or no more, unless
        it was written to since its ``entry`` was found."""
        later = "" if again is None else _ms(again)
        await self.link.run(lua_repair.LOOKED_AT, [self.keys.due], poll_id, entry, later)

    async def renew_lease(self, instance: str) -> bool:
        """Whether this instance is the reconciler, for a while."""
        lease = [self.keys.lease]
        return bool(
            await self.link.run(lua_repair.RENEW_LEASE, lease, instance, _ms(LEASE_SECONDS))
        )

    async def end_lease(self, instance: str) -> None:
        """Leave the work to another instance at once."""
        await self.link.run(lua_repair.END_LEASE, [self.keys.lease], instance)

    def _looking_at(self, poll_ids: Iterable[str], seconds: float, condition: str) -> Call:
        arguments: list[Any] = [_ms(seconds), condition, *poll_ids]
        return lua_repair.LOOK_AT, [self.keys.due], arguments


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
