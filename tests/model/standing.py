"""The stage of a play, its stores and its judges: what must hold in every state, and how one state
is told from another."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any

from quickpoll.counting.tally import Tally, parse_state
from tests.model.explorer import Stage, StillLoop
from tests.model.judging import Judge, Shown
from tests.model.members import Member, keys
from tests.model.memory_mongo import MemoryMongo
from tests.model.memory_redis import MemoryRedis
from tests.model.scenario import Scenario, ids, options, polls
from tests.model.state_key import digest, normal


class Standing:
    """What has happened so far, and what may be said of it."""

    def __init__(
        self, scenario: Scenario, loop: StillLoop, changed: Mapping[str, str] | None = None
    ) -> None:
        """``changed``: other sources for scripts, to see whether the play would notice."""
        self.scenario = scenario
        self.loop = loop
        self.stage = Stage(loop, {"mark", "close_barrier"})
        self.redis = MemoryRedis(changed)
        self.mongo = MemoryMongo(self.stage, scenario.steps, late=scenario.late)
        self.judges = {poll_id: Judge(poll_id) for poll_id in polls.values()}
        self.blows: Counter[str] = Counter()
        self.members: dict[str, Member] = {}
        self.done: dict[str, list[str]] = {}
        self.resting = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def in_play(self) -> list[str]:
        """The polls that anything is done to."""
        words = " ".join(self.scenario.actors.values()).split()
        return [polls["p"]] + ([polls["q"]] if "q" in words else [])

    @property
    def _options(self) -> list[str]:
        words = " ".join(self.scenario.actors.values()).split()
        return [one for name, one in options.items() if name in words]

    def look(self) -> Hashable:
        """Check what must hold in every state."""
        self._judge()
        return self._key()

    def _judge(self) -> None:
        self._look_at_documents()
        for poll_id in self.in_play:
            self.judges[poll_id].check_records()
            tally = self._trusted(poll_id)
            if tally is not None:
                self._check(poll_id, tally)

    def _look_at_documents(self) -> None:
        for vote in self.mongo["vote"].documents:
            poll_id, user = str(vote["pollId"]), str(vote["userId"])
            self.judges[poll_id].saw(("vote", poll_id, user), tuple(map(str, vote["optionIds"])))
        for like in self.mongo["like"].documents:
            poll_id, user = str(like["pollId"]), str(like["userId"])
            choice = ("liked",) if like["liked"] else ()
            self.judges[poll_id].saw(("like", poll_id, user), choice)

    def _trusted(self, poll_id: str) -> Tally | None:
        if any(str(note["pollId"]) == poll_id for note in self.mongo["uncounted"].documents):
            return None
        return parse_state(self.redis.call("GET", keys.state(poll_id)), self.redis.run_id)

    def _check(self, poll_id: str, tally: Tally) -> None:
        self.judges[poll_id].check(Shown(tally.version, tally.options, tally.voters, tally.likes))

    def _key(self) -> Hashable:
        text = json.dumps(
            [
                [digest(self.redis.strings), self.redis.hashes, self.redis.run_id],
                [[judge.text() for judge in self.judges.values()], sorted(self.blows.items())],
                [sorted((who, what) for who, (what, *_) in self.stage.waiting.items())],
                [self.stage.heard(), sorted(self.stage.crashed), self.done],
                [member.memory() for member in self.members.values()],
                [[name for name, _ in self.mongo.wire], self._documents(), self.resting],
            ],
            sort_keys=True,
            default=str,
        )
        return normal(text, self.redis.now_ms, ids)

    def _documents(self) -> list[Any]:
        names = ("poll", "vote", "like", "uncounted", "direct_count")
        return [digest(self.mongo[name].documents) for name in names]

    def _exact(self) -> bool:
        self._look_at_documents()
        return all(map(self._exact_one, self.in_play))

    def _exact_one(self, poll_id: str) -> bool:
        truth, voters, likes = self.judges[poll_id].truth()
        tally = self._trusted(poll_id)
        if tally is not None:
            self._check(poll_id, tally)
        plain = {one: self.redis.strings.get(keys.option(poll_id, one)) for one in self._options}
        right = plain == {one: str(truth[one]) for one in self._options}
        right = right and self.redis.strings.get(keys.likes(poll_id)) == str(likes)
        same = tally is None or (Counter(tally.options), tally.voters, tally.likes) == (
            truth,
            voters,
            likes,
        )
        return right and same
