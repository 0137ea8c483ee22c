"""A full house: guests over two instances behind nginx, a presenter, and everything that breaks.

After each step every screen is on the same poll within two seconds, once the harm is over. Each
vote is counted once, the counts are the database's, and everybody stays who they were.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any

import httpx
import pytest
from bson import ObjectId

from tests.conftest import bearer, sign
from tests.faults.harm import cut_off, flush, kill_instance, kill_mongo, stall_mongo
from tests.faults.judging import ballots_in, truth
from tests.faults.world import World
from tests.guests import guest_key
from tests.journeys.evening.hall import Hall, Stage
from tests.journeys.evening.pages import Pages, pages
from tests.journeys.evening.presenter import Presenter
from tests.journeys.proxy import Nginx, needs_nginx

pytestmark = [needs_nginx, pytest.mark.timeout(300)]

Harm = Callable[[], Coroutine[Any, Any, None]]
admitted = {
    "API_GUESTS": "on",
    "API_GUEST_KEY": guest_key,
    "API_GUEST_PROOF_FROM": "10000",
    "API_GUEST_LIMIT": "10000",
}
within = 2.0
"""Seconds after a step in which every screen shows it."""


@dataclass
class House:
    """Everything and everybody, and how long the screens took after each step."""

    world: World
    url: str
    hall: Hall
    stage: Stage
    presenter: Presenter
    pages: Pages
    took: dict[str, float] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    async def step(self, words: str, at: int | None, harm: Harm | None = None) -> None:
        """Go there while harm is done, and wait until every screen has followed."""
        over = asyncio.create_task(harm()) if harm else None
        await asyncio.sleep(0.2)  # the harm is there when the presenter presses the key
        answered = await self.presenter.step(at)
        if over is not None:
            await over
            answered = max(answered, monotonic())
        present = None if at is None else self.presenter.polls[at]["id"]
        seen = await self.hall.on(present, "lobby" if at is None else "running")
        self.took[words] = seen - answered
        if at is not None:
            await self.pages.show(self.presenter.polls[at]["question"])

    async def counted(self, poll: dict[str, Any]) -> Counter[str]:
        """Everybody's vote is in: on every screen and on both instances, as in the database."""
        votes = await self.hall.voted(poll["id"])
        counts = {"likes": 0, **{option["id"]: votes[option["id"]] for option in poll["options"]}}
        if poll["id"] not in self.hall.hidden:
            await self.hall.until(
                lambda one: one.counts.get(poll["id"], (0, {}))[1] == counts, f"shows {counts}"
            )
        assert await asyncio.to_thread(truth, self.world, poll) == (counts, votes.total())
        for instance in self.world.living:
            assert await self.counts_at(instance.url, poll) == counts
        return votes

    async def counts_at(self, url: str, poll: dict[str, Any]) -> Any:
        """What the owner reads there."""
        path, headers = f"/api/poll/get-poll-by-id/{poll['id']}", bearer(poll["userId"])
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10) as client:
            return (await client.get(path)).json()["counts"]

    async def restart_the_dead(self) -> None:
        """Whoever was killed serves again."""
        for instance in self.world.instances:
            if instance.process.poll() is not None:
                await asyncio.to_thread(instance.start)

    async def kill_one(self) -> None:
        """kill -9 of an instance; it comes back."""
        await kill_instance(self.world, self.chance, 1.0)
        await self.restart_the_dead()

    def harm(self, kind: Callable[..., Coroutine[Any, Any, None]], scale: float = 1.0) -> Harm:
        """That, when it is called."""
        return lambda: kind(self.world, self.chance, scale)


@asynccontextmanager
async def house(folder: Path, *polls: dict[str, Any]) -> AsyncIterator[House]:
    """Stores, two instances, nginx, a session of these polls; the hall is empty."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(folder, None, **admitted))
        proxy = Nginx(tuple(world.instances), folder)
        stack.callback(proxy.stop)
        await asyncio.to_thread(proxy.start)
        presenter = Presenter(proxy.url, token_hex(12))
        stack.push_async_callback(presenter.aclose)
        await presenter.prepare(*polls)
        hall = Hall(proxy.url, proxy.port, presenter.session["id"], seed=11)
        stack.push_async_callback(hall.aclose)
        stage = Stage(hall, sign(presenter.owner))
        stack.push_async_callback(stage.aclose)
        shown = await stack.enter_async_context(
            pages(proxy.url, presenter.session["id"], presenter.owner)
        )
        yield House(world, proxy.url, hall, stage, presenter, shown)


@pytest.mark.parametrize(
    "size", [200, pytest.param(2_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
async def test_a_full_house_follows_and_is_counted_whatever_breaks(
    tmp_path: Path, record_property: Callable[[str, object], None], size: int
) -> None:
    hidden = {"results": "after_close"}
    async with house(tmp_path, {}, hidden, {}, hidden, {}) as evening:
        hall, presenter = evening.hall, evening.presenter
        polls = presenter.polls
        hall.hidden |= {polls[1]["id"], polls[3]["id"]}
        evening.stage.start(0)
        await hall.start(size, within=size / 100)
        await evening.stage.shows(size + 1)  # and the phone
        await evening.pages.stage.keyboard.press("ArrowRight")
        await evening.step("no harm", 0)
        await evening.counted(polls[0])

        await evening.step("an instance is killed", 1, evening.kill_one)
        await evening.counted(polls[1])
        hall.hidden.remove(polls[1]["id"])
        await presenter.turn("close-poll", polls[1])
        await evening.counted(polls[1])  # now it is on the screens, too

        await evening.step("Redis is emptied", 2, evening.harm(flush))
        await evening.counted(polls[2])

        # Closed while the hall votes and the database does not hear one of the instances.
        await evening.step("MongoDB cannot be reached", 3, evening.harm(stall_mongo, 0.3))
        hall.hidden.remove(polls[3]["id"])
        await presenter.turn("close-poll", polls[3])
        final = [await evening.counts_at(one.url, polls[3]) for one in evening.world.living]

        await evening.step("one is cut off from Redis", 4, evening.harm(cut_off))
        await evening.counted(polls[4])
        await evening.pages.vote("red")
        await evening.step("MongoDB is restarted", 2, evening.harm(kill_mongo))
        await evening.step("back again", 4)
        await evening.pages.phone.reload()
        await evening.pages.voted()  # it is who it was
        await evening.step("back to the lobby", None)
        await evening.stage.shows(size + 1)  # whoever changed to another instance is one person
        ended = await presenter.end()
        evening.took["the end"] = await hall.on(None, "ended") - ended
        await evening.pages.over()

        assert hall.strange == []
        await hall.voted(polls[3]["id"])
        assert [await evening.counts_at(one.url, polls[3]) for one in evening.world.living] == final
        await nobody_was_lost(evening)
        record_property("seconds until every screen had followed", evening.took)
        assert {words: seconds for words, seconds in evening.took.items() if seconds > within} == {}


async def nobody_was_lost(evening: House) -> None:
    """Each ballot is that of a guest, each guest is who they were, each acknowledgement stands."""
    hall, polls = evening.hall, evening.presenter.polls
    stored = await asyncio.to_thread(ballots_in, evening.world, polls)
    cast = {
        (one.user_id, poll_id): frozenset((option,))
        for one in hall.guests
        for poll_id, option in one.ballots.items()
    }
    # A vote that nobody heard of before the close may be in, once; it is counted then.
    late = {(one.user_id, poll_id) for one in hall.guests for poll_id in one.late}
    others = stored.keys() - cast.keys() - late
    assert {poll_id for _, poll_id in others} == {polls[4]["id"]}  # and the phone's, once
    assert len(others) == 1
    assert {pair: one for pair, one in stored.items() if pair not in late | others} == cast
    for poll in polls:
        counts, _ = await asyncio.to_thread(truth, evening.world, poll)
        assert await evening.counts_at(evening.url, poll) == counts
    assert len({one.user_id for one in hall.guests}) == len(hall.guests)
    renewed = await asyncio.gather(*[one.renewed() for one in hall.guests])
    assert renewed == [f"200 {one.user_id}" for one in hall.guests]
    poll_ids = [ObjectId(poll["id"]) for poll in polls]
    assert evening.world.mongo["vote"].count_documents({"pollId": {"$in": poll_ids}}) == len(stored)
