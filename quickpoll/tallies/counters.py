"""The counts in Redis: marking batches, adding to counts, reading them.

Every method speaks the protocol of :mod:`.scripts`. Where Redis is away, writing goes on without
it: the polls concerned are noted in MongoDB (:mod:`.debts`) and recounted afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex

import orjson
import structlog

from quickpoll.foundation.batching import Batcher, Entry
from quickpoll.foundation.redis import Call, RedisAway, RedisLink
from quickpoll.tallies import scripts
from quickpoll.tallies.debts import Debt, Debts
from quickpoll.tallies.keys import Keys
from quickpoll.tallies.tally import Change, Tally, microseconds, parse_state

log = structlog.get_logger(__name__)

write_seconds = 3.0
"""The longest time between the mark of a batch and the end of its writes in MongoDB: more than
the operation limit, less than the five seconds within which counts must be exact again."""

write_milliseconds = int(write_seconds * 1000)

State = Mapping[str, Tally | None]


@dataclass(slots=True)
class Writing:
    """A batch in flight: its mark, and what is known of the polls that it touches.

    ``revisions`` has the current revision of each poll's own fields, 0 where it must be read from
    MongoDB; ``held`` are polls whose counts are being recounted: their writes must wait.
    """

    token: str
    revisions: dict[str, int]
    held: set[str] = field(default_factory=set)
    marked: bool = True


class Counters:
    """Reads and changes the counts of polls."""

    def __init__(self, link: RedisLink, keys: Keys, debts: Debts) -> None:
        self.link = link
        self.keys = keys
        self._debts = debts
        self._reads: Batcher[tuple[str, ...], State] = Batcher(
            "counts", self._read_batch, capacity=100_000
        )

    def start(self) -> None:
        """Start reading."""
        self._reads.start()

    async def aclose(self) -> None:
        """Answer the reads that wait, then end."""
        await self._reads.aclose()

    async def begin(self, poll_ids: Iterable[str]) -> Writing:
        """Announce a batch of writes to these polls. Must be followed by :meth:`finish`."""
        ids, token = list(poll_ids), token_hex(8)
        try:
            revisions = await self._mark(ids, token)
        except RedisAway:
            await self._debts.note(ids, write_seconds)
            return Writing(token, dict.fromkeys(ids, 0), marked=False)
        held = {poll_id for poll_id, revision in revisions.items() if revision < 0}
        return Writing(token, {i: r for i, r in revisions.items() if i not in held}, held)

    async def finish(
        self, writing: Writing, changes: Mapping[str, Change], *, uncertain: Iterable[str] = ()
    ) -> set[str]:
        """Add what a batch changed, and end its mark.

        ``uncertain`` names polls where a write may or may not stand, now or a little later: they
        stay in doubt until a recount has come after all of it. Answers the polls that must be
        recounted now.
        """
        unsure = set(uncertain)
        if not writing.revisions:
            return set()
        try:
            if not writing.marked:
                return await self._miss(writing, changes, unsure)
            touched = list(writing.revisions)
            counted = await self._add(writing, touched, changes, unsure)
            self._debts.told(touched)
        except RedisAway:
            self._debts.owe(writing.revisions, writing.token, unsure=unsure)
            return set()
        return {i for i, one in zip(touched, counted, strict=True) if not one}

    async def read(self, poll_ids: Iterable[str]) -> State:
        """The counts of polls, ``None`` where Redis has none that can be trusted.

        Requests that arrive together share one ``MGET``, and each gets a reading that began
        after it asked.
        """
        return await self._reads.submit(tuple(poll_ids))

    async def create(self, poll_id: str, option_ids: list[str], revision: int) -> int:
        """Start the counts of a new poll at zero; answers its version."""
        plain = [self.keys.option(poll_id, option) for option in option_ids]
        body = {"id": poll_id, "options": option_ids, "r": revision}
        version = await self.link.run(
            scripts.create,
            [self.keys.state(poll_id), *plain, self.keys.likes(poll_id)],
            self.link.run_id,
            self.keys.updates,
            orjson.dumps(body),
        )
        return int(version)

    async def touch(self, poll_id: str, change: str, revision: int) -> int:
        """Announce a change of the poll itself; answers its new version.

        Raises :class:`~quickpoll.foundation.redis.RedisAway`.
        """
        version = await self.link.run(
            scripts.touch,
            [self.keys.state(poll_id)],
            self.link.run_id,
            self.keys.updates,
            poll_id,
            change,
            revision,
            microseconds(),
        )
        self._debts.told([poll_id])
        return int(version)

    async def remove(
        self,
        poll_id: str,
        option_ids: Iterable[str] = (),
        *,
        announce: bool = False,
        public: bool = False,
    ) -> None:
        """Remove every key of a deleted poll, and ``announce`` that."""
        keys = self.keys
        plain = [keys.option(poll_id, option) for option in option_ids]
        own = [keys.state(poll_id), keys.writes(poll_id), keys.gate(poll_id), keys.likes(poll_id)]
        ring = (keys.updates, poll_id, int(announce), "true" if public else "false")
        await self.link.run(scripts.remove, [*own, *plain], *ring)
        await self.link.call("ZREM", keys.due, poll_id)

    async def give_up(self, owed: Mapping[str, Debt]) -> None:
        """Declare counts incomplete: readers turn to MongoDB until they are recounted, which the
        reconciler does at once. Raises :class:`~quickpoll.foundation.redis.RedisAway`."""
        for unsure in (False, True):
            polls = [(i, debt) for i, debt in owed.items() if debt.unsure is unsure]
            for start in range(0, len(polls), 500):
                await self._give_up(polls[start : start + 500], write_milliseconds * unsure)

    async def _give_up(self, polls: list[tuple[str, Debt]], milliseconds: int) -> None:
        names = [name for i, _ in polls for name in (self.keys.state(i), self.keys.writes(i))]
        tokens = [sorted(debt.tokens) for _, debt in polls]
        await self.link.run(scripts.give_up, names, milliseconds, orjson.dumps(tokens))
        await self.look_at([i for i, _ in polls], 0.0, "LT")

    async def is_missed(self, poll_id: str) -> bool:
        """Whether some instance writes to the poll, or has, without telling Redis."""
        return await self._debts.is_noted(poll_id)

    async def look_at(self, poll_ids: Iterable[str], seconds: float, condition: str = "") -> None:
        """Have the reconciler look at polls in so many seconds. ``condition`` is one of ``ZADD``:
        ``LT`` no later than planned, ``XX`` only what is planned anyway, ``NX`` only what is not.

        Raises :class:`~quickpoll.foundation.redis.RedisAway`.
        """
        await self.link.run_in_order(self._looking_at(poll_ids, seconds, condition))

    def _looking_at(self, poll_ids: Iterable[str], seconds: float, condition: str) -> Call:
        return scripts.look_at, [self.keys.due], [int(seconds * 1000), condition, *poll_ids]

    async def _mark(self, ids: list[str], token: str) -> dict[str, int]:
        keys = [
            key for i in ids for key in (self.keys.state(i), self.keys.writes(i), self.keys.gate(i))
        ]
        run = self.link.run_id
        begin = scripts.begin, keys, [token, write_milliseconds, run]
        # The mark stands before the entry is made, and the reconciler looks at the marks after it
        # has removed an entry: so an entry is never missed.
        answers, _ = await self.link.run_in_order(begin, self._looking_at(ids, write_seconds, "LT"))
        if self.link.run_id != run:  # answered by another server than the one that was meant
            answers = [min(revision, 0) for revision in answers]
        return dict(zip(ids, answers, strict=True))

    async def _miss(
        self, writing: Writing, changes: Mapping[str, Change], unsure: set[str]
    ) -> set[str]:
        """Redis knows nothing of this batch. It may be back; then it hears of it before anybody
        hears that the batch is written."""
        missed = changes.keys() | unsure
        await self.give_up({i: Debt(unsure=i in unsure) for i in missed})
        return set()

    async def _add(
        self,
        writing: Writing,
        touched: list[str],
        changes: Mapping[str, Change],
        unsure: set[str],
    ) -> list[int]:
        keys: list[str] = []
        body = []
        for poll_id in touched:
            change = changes.get(poll_id) or Change()
            steps = change.steps()
            keys += [self.keys.state(poll_id), self.keys.writes(poll_id)]
            keys += [self.keys.option(poll_id, option) for option, _ in steps]
            keys += [self.keys.likes(poll_id)] if change.likes else []
            body.append(_change_body(poll_id, change, steps, unsure=poll_id in unsure))
        arguments = writing.token, self.link.run_id, self.keys.updates, write_milliseconds
        answer: list[int] = await self.link.run(scripts.apply, keys, *arguments, orjson.dumps(body))
        return answer

    async def _read_batch(self, batch: list[Entry[tuple[str, ...], State]]) -> None:
        wanted = list(dict.fromkeys(i for entry in batch for i in entry.item))
        tallies: State = {}
        try:
            raw = await self.link.ask("MGET", *map(self.keys.state, wanted))
            run = self.link.run_id
            tallies = {i: parse_state(one, run) for i, one in zip(wanted, raw, strict=True)}
        except RedisAway:
            tallies = dict.fromkeys(wanted)
        for entry in batch:
            entry.resolve(tallies)


def _change_body(
    poll_id: str, change: Change, steps: list[tuple[str, int]], *, unsure: bool
) -> dict[str, object]:
    return {
        "id": poll_id,
        "options": steps,
        "voters": change.voters,
        "likes": change.likes,
        "took": int(change.retracted),
        "unsure": int(unsure),
    }
