"""Steps of an erasure between which something else happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex

import pytest
from bson import ObjectId

from quickpoll.counting.tally import Mark, MarkKind
from quickpoll.likes.rules import Act
from quickpoll.likes.store import new_like
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.people import erasures
from quickpoll.people.erasing.ballots import BallotEraser
from quickpoll.people.erasing.likes import LikeEraser
from quickpoll.polls.models import Poll
from tests.exact.pair import stranger
from tests.exact.stepping import Steps
from tests.people.life import Places


@pytest.fixture(autouse=True)
def nothing_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests wait for their writes themselves."""
    monkeypatch.setattr(erasures, "SETTLED_SECONDS", 0.0)


@pytest.fixture
async def places(stores: StoreAddresses, name: str) -> AsyncIterator[Places]:
    found = Places(stores, name)
    yield found
    await found.aclose()


async def status(steps: Steps, user: str) -> str:
    job = await steps.b.personal.jobs.of(user)
    assert job is not None
    return job.status


async def acted_on(steps: Steps, user: str) -> Poll:
    """A poll on which this person and somebody else have voted, and that both like."""
    poll = await steps.poll()
    for someone, place in ((user, 0), (stranger, 1)):
        await steps.a.casting.cast(someone, str(poll.id), poll.option_ids()[place : place + 1])
        await steps.a.liking.act(someone, str(poll.id), Act.SET)
    return poll


async def test_a_fence_that_is_set_while_marks_are_looked_for_is_erased_too(
    steps: Steps, places: Places
) -> None:
    """A mark passes away by becoming a fence, which names the person in a document."""
    poll, user = await steps.poll(), token_hex(12)
    await steps.dead_batch(poll, Mark(MarkKind.VOTES, (stranger, user)))
    await steps.a.people.erasures.request(user)
    look = steps.a.wires.redis.catch(b"SCAN")
    erasing = asyncio.create_task(steps.a.people.erasures.round())
    await look.caught()
    await steps.b.rebuilder.recount(str(poll.id))
    assert await steps.ballot(poll, user) is not None, "nothing was fenced: nothing is proven"
    look.release()
    await erasing
    assert await status(steps, user) == "running"
    await steps.a.people.erasures.round()
    assert await status(steps, user) == "done"
    assert await places.naming(user) == []


async def test_a_fence_that_is_set_after_the_end_goes_at_the_next_look(
    steps: Steps, places: Places
) -> None:
    """An instance that was cut off makes powerless what it had sent before, when it is back."""
    user = token_hex(12)
    poll = await acted_on(steps, user)
    await steps.a.people.erasures.request(user)
    await steps.a.people.erasures.round()
    assert await status(steps, user) == "done"
    other = await steps.poll()
    for one in (poll, other):
        await steps.b.votes.fence(str(one.id), [user])
        await steps.b.likes.fence(str(one.id), [user])
    new = await steps.poll()
    await steps.b.liking.act(user, str(new.id), Act.SET)
    await steps.database["erasure"].update_one({}, {"$set": {"sweepAt": datetime(2020, 1, 1)}})
    await steps.a.people.erasures.sweep()
    left = await places.naming(user)
    assert len(left) == 1, left
    assert str(new.id) in left[0]


async def test_a_like_that_lands_after_its_fence_was_let_go_is_taken_back(steps: Steps) -> None:
    """Nobody has counted it: so no wrong count is taken for a true one."""
    user, keeps = token_hex(12), token_hex(12)
    poll = await acted_on(steps, keeps)
    await steps.a.likes.fence(str(poll.id), [user])
    for late in (False, True):
        if late:
            await steps.a.likes.insert([new_like(user, str(poll.id), liked=True)])
        await steps.a.people.erasures.request(user)
        await steps.a.uncounted.look()  # as its own loop would: so it goes by what Redis says
        await steps.a.people.erasures.round()
    assert await steps.a.likes.count_of_user(user) == 0
    tally = await steps.b.trusted(poll)
    assert tally is None or tally.likes == 2


async def test_it_is_not_done_while_a_note_names_the_person(steps: Steps) -> None:
    """Of a write without Redis, whose writer may have died."""
    poll, user = await steps.poll(), token_hex(12)
    mark = Mark(MarkKind.VOTES, (stranger, user))
    await steps.b.uncounted.note(token_hex(8), {str(poll.id): mark})
    await steps.a.people.erasures.request(user)
    await steps.a.people.erasures.round()
    assert await status(steps, user) == "running"


async def test_a_like_that_takes_the_place_of_a_fence_is_new(steps: Steps) -> None:
    """Else it would go with what comes late, and an export would say that it is ages old."""
    poll, user, before = await steps.poll(), token_hex(12), datetime.now(UTC)
    await steps.a.likes.fence(str(poll.id), [user])
    await steps.a.liking.act(user, str(poll.id), Act.SET)
    stored = await steps.database["like"].find_one({"userId": ObjectId(user)})
    assert stored is not None
    assert stored["createdAt"] >= before.replace(microsecond=0)


@pytest.mark.parametrize("of", ["ballots", "likes"])
async def test_a_poll_that_is_recounted_again_and_again_is_left_all_the_same(
    steps: Steps, of: str
) -> None:
    user = token_hex(12)
    poll = await acted_on(steps, user)
    barrier = steps.keys.barrier(str(poll.id))
    await steps.redis.set(barrier, "another's")
    kind = {"ballots": BallotEraser, "likes": LikeEraser}[of]
    (eraser,) = [one for one in steps.a.people.erasures.erasers if isinstance(one, kind)]
    assert await eraser.some(user) == 1
    assert await eraser.left(user) == 0


async def test_an_erasure_that_fails_holds_up_no_other(steps: Steps) -> None:
    """Something is stored that nobody can read: it was not of ours."""
    bad, good = token_hex(12), token_hex(12)
    poll = await acted_on(steps, good)
    await steps.database["vote"].insert_one({"userId": ObjectId(bad), "pollId": poll.id})
    for user in (bad, good):
        await steps.a.people.erasures.request(user)
    with pytest.raises(KeyError):  # its loop says so in the log, and goes on
        await steps.a.people.erasures.round()
    assert (await status(steps, bad), await status(steps, good)) == ("running", "done")
