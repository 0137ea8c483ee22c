"""Erasing a person is exact: whatever dies in the middle, whoever votes meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex

import pytest
from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.errors import AlreadyVoted
from quickpoll.likes.rules import Act
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.management.bodies import PollUpdate
from quickpoll.people import erasures
from quickpoll.polls.models import Poll
from tests.conftest import bearer
from tests.exact.dying import Death
from tests.exact.pair import Pair, owner, settles, stranger
from tests.exact.stepping import Stepped, Steps
from tests.people.life import Places

settled_seconds = erasures.SETTLED_SECONDS

# What names a person and passes by itself is waited for by these tests themselves.
pytestmark = pytest.mark.usefixtures("nothing_under_way")


@pytest.fixture
def nothing_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasures, "SETTLED_SECONDS", 0.0)


@pytest.fixture
async def places(stores: StoreAddresses, name: str) -> AsyncIterator[Places]:
    found = Places(stores, name)
    yield found
    await found.aclose()


@dataclass
class Left:
    """What a person has left on polls."""

    user: str
    opened: Poll
    closed: Poll
    shared: Poll

    @property
    def all(self) -> tuple[Poll, ...]:
        """The polls that others have voted on, too."""
        return self.opened, self.closed, self.shared


async def leave(steps: Steps) -> Left:
    """Polls on which a person and a stranger have voted; one of them is the person's own."""
    user, one = token_hex(12), steps.a
    opened, closed = await steps.poll(), await steps.poll()
    shared = await steps.poll(user_id=ObjectId(user))
    for poll in (opened, closed, shared):
        for someone, place in ((user, 0), (stranger, 1)):
            await one.casting.cast(someone, str(poll.id), poll.option_ids()[place : place + 1])
            await one.liking.act(someone, str(poll.id), Act.SET)
    admin = Caller(user, admin=True)
    await one.changes.update(admin, str(opened.id), PollUpdate(visibility="unlisted"))
    await one.changes.close(Caller(owner), str(closed.id))
    return Left(user, opened, closed, shared)


async def died(steps: Steps, left: Left) -> None:
    """Time passes after a death: its marks are past their deadlines."""
    for poll in left.all:
        key = steps.keys.writes(str(poll.id))
        for token, mark in (await steps.marks(poll)).items():
            rest = mark.lstrip("s").partition(" ")[2]
            await steps.redis.hset(key, token, f"1 {rest}")
        await steps.b.rebuilder.recount(str(poll.id))


async def finish(steps: Steps, one: Stepped, user: str) -> None:
    """Carry an erasure to its end, once the lease of any other instance is over."""
    async with asyncio.timeout(20):
        job = await one.personal.jobs.of(user)
        while job is not None and job.status != "done":
            await steps.database["lease"].delete_many({"holder": {"$ne": one.instance}})
            await one.uncounted.look()  # as its own loop would: so it goes by what Redis says
            await one.people.erasures.round()
            job = await one.personal.jobs.of(user)


async def is_exact(steps: Steps, poll: Poll, voters: int, likes: int) -> None:
    """Trusted counts are those of the documents, and these."""
    tally = await steps.b.trusted(poll)
    if tally is None:  # no reconciler runs here; one would have counted it
        await steps.b.rebuilder.recount(str(poll.id))
        tally = await steps.b.trusted(poll)
    assert tally is not None
    counted = await steps.b.census.count(str(poll.id))
    assert counted is not None
    assert (counted.voters, counted.likes) == (voters, likes)
    assert (tally.options, tally.voters, tally.likes) == (counted.options, voters, likes)


async def unexact(steps: Steps, poll: Poll, voters: int, likes: int) -> list[str]:
    """What is wrong with counts that may not be trusted yet."""
    tally = await steps.b.trusted(poll)
    if tally is None:
        return ["nothing is trusted"]
    found = tally.voters, tally.likes
    return [] if found == (voters, likes) else [f"{found} is trusted"]


async def test_whoever_dies_at_whatever_step_the_other_one_ends_it(
    steps: Steps, places: Places
) -> None:
    """At each wait of the first instance in turn; nobody votes twice, nothing is counted twice."""
    nth = 0
    every = 61  # of some three hundred; each of them was tried once
    while True:
        left = await leave(steps)
        await steps.a.people.erasures.request(left.user)
        await steps.database["lease"].delete_many({})
        death = Death(nth)
        await death.of(steps.a.people.erasures.round())
        await died(steps, left)
        await finish(steps, steps.b, left.user)
        assert await places.naming(left.user) == [], nth
        for poll, voters, likes in ((left.opened, 1, 1), (left.closed, 2, 2), (left.shared, 1, 1)):
            await is_exact(steps, poll, voters, likes)
        with pytest.raises(AlreadyVoted):
            await steps.b.casting.cast(
                left.user, str(left.opened.id), left.opened.option_ids()[2:3]
            )
        if not death.come:
            break
        nth += every
    assert nth > 200, "it waited so seldom that nothing was tried"


async def test_two_instances_may_do_it_at_the_same_time(steps: Steps, places: Places) -> None:
    """One that slept with the lease wakes up."""
    left = await leave(steps)
    await steps.a.people.erasures.request(left.user)
    for _ in range(4):
        await steps.database["lease"].delete_many({})
        await asyncio.gather(steps.a.people.erasures.round(), steps.b.people.erasures.round())
    await steps.database["lease"].delete_many({})
    await finish(steps, steps.b, left.user)
    assert await places.naming(left.user) == []
    for poll, voters, likes in ((left.opened, 1, 1), (left.closed, 2, 2), (left.shared, 1, 1)):
        await steps.b.rebuilder.recount(str(poll.id))
        await is_exact(steps, poll, voters, likes)


async def test_a_vote_that_lands_after_its_fence_was_let_go_is_taken_back(
    steps: Steps, places: Places
) -> None:
    """It was fenced by an empty ballot, which the erasure has let go; nobody has counted it."""
    poll, user = await steps.poll(), token_hex(12)
    await steps.a.casting.cast(stranger, str(poll.id), poll.option_ids()[:1])
    await steps.a.votes.fence(str(poll.id), [user])
    await steps.a.people.erasures.request(user)
    await finish(steps, steps.a, user)
    await steps.write_ballot(poll, 1, user)
    await steps.a.people.erasures.request(user)
    await finish(steps, steps.a, user)
    assert await places.naming(user) == []
    # Whoever looks meanwhile takes no wrong count for a true one.
    await settles(lambda: unexact(steps, poll, 1, 0))


async def test_it_is_not_done_before_what_was_under_way_has_ended(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures, "SETTLED_SECONDS", settled_seconds)
    left = await leave(steps)
    await steps.a.people.erasures.request(left.user)
    for _ in range(2):
        await steps.a.people.erasures.round()
    assert await steps.a.people.erasures.left(left.user) == 0
    job = await steps.a.personal.jobs.of(left.user)
    assert job is not None
    assert job.status == "running"


async def test_it_is_not_done_while_a_mark_names_the_person(steps: Steps) -> None:
    poll, user = await steps.poll(), token_hex(12)
    await steps.dead_batch(poll, Mark(MarkKind.VOTES, (stranger, user)))
    await steps.a.people.erasures.request(user)
    await steps.a.people.erasures.round()
    job = await steps.a.personal.jobs.of(user)
    assert job is not None
    assert job.status == "running"
    await steps.b.rebuilder.recount(str(poll.id))
    await finish(steps, steps.a, user)


async def test_the_screens_see_the_count_fall(pair: Pair) -> None:
    poll, user = await pair.poll(), token_hex(12)
    screen = await pair.b.screen(poll)
    for someone in (user, stranger):
        assert (await pair.a.vote(poll, 0, someone)).status_code == 201
    await screen.until("vote-update", pollId=poll["id"], votersCount=2)
    screen.events.clear()
    await pair.a.http.post(f"/api/user/erase-user/{user}", headers=bearer(user))
    await screen.until("vote-update", pollId=poll["id"], votersCount=1)
    await pair.exact(poll)


async def test_live_connections_of_the_person_end(pair: Pair) -> None:
    user = token_hex(12)
    screen = await pair.b.live.screen(user)
    await pair.a.http.post(f"/api/user/erase-user/{user}", headers=bearer(user))
    told = await screen.until("session-ended")
    assert told["code"] == "forbidden"
    await asyncio.wait_for(screen.ended.wait(), 10)


async def test_without_redis_it_goes_on_and_ends_when_redis_is_back(pair: Pair) -> None:
    """Until then nobody can say what its keys hold."""
    poll, user = await pair.poll(), token_hex(12)
    for someone in (user, stranger):
        assert (await pair.a.vote(poll, 0, someone)).status_code == 201
    for member in pair.both:
        member.redis.cut()
    answer = await pair.a.http.post(f"/api/user/erase-user/{user}", headers=bearer(user))
    job = answer.json()["jobId"]

    async def still_there() -> list[str]:
        return ["its ballot stands"] if await pair.stands(poll, user) else []

    await settles(still_there, 20)
    assert [(await member.look(poll))["votersCount"] for member in pair.both] == [1, 1]
    path = f"/api/user/erasure/{job}"
    said = await pair.b.http.get(path, headers=bearer(user))
    assert said.json() == {"jobId": job, "status": "running"}

    for member in pair.both:
        member.redis.mend()

    async def not_done() -> list[str]:
        said = await pair.b.http.get(path, headers=bearer(user))
        return [said.text] if said.json()["status"] != "done" else []

    await settles(not_done, 20)
    await pair.exact(poll)


async def test_in_mid_storm_nothing_is_half_done(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the voters are erased while all of them vote and like on both instances."""
    monkeypatch.setattr(erasures, "SETTLED_SECONDS", settled_seconds)
    polls = [await pair.poll() for _ in range(3)]
    voters = [token_hex(12) for _ in range(24)]
    leaving = voters[::2]

    async def storm(user: str) -> None:
        for turn, poll in enumerate(polls * 2):
            member = pair.both[(turn + voters.index(user)) % 2]
            await member.vote(poll, voters.index(user) % 3, user)
            await member.act("PUT", "like-poll", poll, user)

    async def erase(user: str) -> None:
        answer = await pair.a.http.post(f"/api/user/erase-user/{user}", headers=bearer(user))
        assert answer.status_code == 202

    await asyncio.gather(*map(storm, voters), *map(erase, leaving))
    await settles(lambda: half_done(pair, leaving), 60)
    for poll in polls:
        await pair.exact(poll)
        for user in voters[1::2]:
            assert await pair.stands(poll, user) is not None


async def half_done(pair: Pair, leaving: list[str]) -> list[str]:
    """Erasures that are under way, and what was written for their people before the end."""
    jobs = await pair.database["erasure"].find({}).to_list()
    running = [str(one["_id"]) for one in jobs if one["status"] != "done"]
    if running:
        return running
    first = min(one["doneAt"] for one in jobs) - timedelta(seconds=1)
    query = {"userId": {"$in": [ObjectId(one) for one in leaving]}, "createdAt": {"$lt": first}}
    return [
        str(found)
        for name in ("vote", "like")
        for found in await pair.database[name].find(query).to_list()
    ]
