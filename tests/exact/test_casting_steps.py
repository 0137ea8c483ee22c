"""The steps of casting and liking: what is refused, repeated, given up or taken back is exact."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import pytest
from bson import ObjectId
from pymongo.errors import AutoReconnect

from quickpoll.errors import AlreadyVoted, Unavailable
from quickpoll.foundation.stores.bulk_writes import insert_all
from quickpoll.foundation.stores.mongo import deadline
from quickpoll.likes.liking import LikeWish, Liking
from quickpoll.likes.rules import Act
from quickpoll.likes.store import LikeStore
from quickpoll.polls.models import Poll
from quickpoll.votes.batch import Outcome, Wish
from quickpoll.votes.casting import Casting
from quickpoll.votes.models import Vote
from quickpoll.votes.store import VoteStore
from tests.exact.framing import mongo_command
from tests.exact.stepping import Steps


def wish(poll: Poll, user: str) -> Wish:
    """A vote that was judged just now."""
    now = datetime.now(UTC)
    return Wish(user, str(poll.id), tuple(poll.option_ids()[:1]), now, poll.revision)


class Repeating:
    """A collection to which the driver says each insert twice: the first answer was lost on the
    way, and the server does not know the second for the same."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def insert_many(self, documents: Any, *, ordered: bool) -> Any:
        """The answer to the second try."""
        await self._collection.insert_many(documents, ordered=ordered)
        return await self._collection.insert_many(documents, ordered=ordered)


class Silent(Repeating):
    """A collection of which nothing is heard that was sent to it in bulk."""

    async def insert_many(self, documents: Any, *, ordered: bool) -> Any:
        """The connection is lost."""
        raise AutoReconnect

    async def bulk_write(self, *_: Any, **__: Any) -> Any:
        """It still is."""
        raise AutoReconnect


class Unheard(Silent):
    """A collection that stores what is inserted, and nobody hears of it."""

    async def insert_many(self, documents: Any, *, ordered: bool) -> Any:
        """Stored; then the connection is lost."""
        await self._collection.insert_many(documents, ordered=ordered)
        raise AutoReconnect


class Engine:
    """What gives a store such a collection."""

    def __init__(self, engine: Any, kind: type[Repeating]) -> None:
        self._engine = engine
        self._kind = kind

    def get_collection(self, model: Any) -> Any:
        """The collection of that model."""
        return self._kind(self._engine.get_collection(model))


async def test_a_vote_is_answered_after_it_was_counted(steps: Steps) -> None:
    poll = await steps.poll()
    applied = steps.a.wires.redis.catch(b"EVALSHA", b"poll-updates", str(poll.id).encode())
    voting = asyncio.create_task(
        steps.a.casting.cast(token_hex(12), str(poll.id), poll.option_ids()[:1])
    )
    await applied.caught()
    await asyncio.sleep(0)
    answered = voting.done()
    applied.release()
    assert not answered
    assert (await voting).outcome is Outcome.CREATED


async def test_a_like_is_answered_after_it_was_counted(steps: Steps) -> None:
    poll = await steps.poll()
    applied = steps.a.wires.redis.catch(b"EVALSHA", b"poll-updates", str(poll.id).encode())
    liking = asyncio.create_task(steps.a.liking.act(token_hex(12), str(poll.id), Act.SET))
    await applied.caught()
    await asyncio.sleep(0)
    answered = liking.done()
    applied.release()
    assert not answered
    assert await liking


async def test_the_drivers_repetition_of_a_vote_is_no_other_vote(steps: Steps) -> None:
    poll = await steps.poll()
    votes = VoteStore(Engine(steps.a.engine, Repeating))  # type: ignore[arg-type]
    casting = Casting(steps.a.polls, votes, steps.a.path)
    casting.batcher.start()
    cast = await casting.cast(token_hex(12), str(poll.id), poll.option_ids()[:1])
    assert cast.outcome is Outcome.CREATED
    assert (await steps.state(poll))["voters"] == 1
    await casting.batcher.aclose()


async def test_the_drivers_repetition_is_counted_though_its_caller_has_left(steps: Steps) -> None:
    """Told 503 after the first try had stored the ballot: it stands, so it counts."""
    poll, user = await steps.poll(), token_hex(12)
    votes = VoteStore(Engine(steps.a.engine, Repeating))  # type: ignore[arg-type]
    casting = Casting(steps.a.polls, votes, steps.a.path)
    casting.batcher.start()
    judged = steps.a.wires.mongo.catch(mongo_command("find", "vote"))
    future = casting.batcher.enqueue(wish(poll, user))
    await judged.caught()
    future.set_exception(Unavailable())
    judged.release()
    with pytest.raises(Unavailable):
        await future
    await casting.batcher.aclose()
    assert await steps.ballot(poll, user) is not None
    assert (await steps.state(poll))["voters"] == 1


async def test_the_drivers_repetition_of_a_toggle_is_no_other_toggle(steps: Steps) -> None:
    poll = await steps.poll()
    likes = LikeStore(Engine(steps.a.engine, Repeating))  # type: ignore[arg-type]
    liking = Liking(steps.a.polls, likes, steps.a.path)
    liking.batcher.start()
    assert await liking.act(token_hex(12), str(poll.id), Act.TOGGLE)
    assert (await steps.state(poll))["likes"] == 1
    await liking.batcher.aclose()


async def test_a_vote_that_may_stand_leaves_its_mark(steps: Steps) -> None:
    """Nobody knows, so whoever comes past its deadline fences it."""
    poll, user = await steps.poll(), token_hex(12)
    votes = VoteStore(Engine(steps.a.engine, Silent))  # type: ignore[arg-type]
    casting = Casting(steps.a.polls, votes, steps.a.path)
    casting.batcher.start()
    with pytest.raises(Unavailable):
        await casting.cast(user, str(poll.id), poll.option_ids()[:1])
    assert [user in mark for mark in (await steps.marks(poll)).values()] == [True]
    await casting.batcher.aclose()


async def test_a_ballot_of_a_batch_in_doubt_is_not_acknowledged_uncounted(steps: Steps) -> None:
    """Stored and not heard of (503); the same again finds it standing, and is answered 200."""
    poll, user = await steps.poll(), token_hex(12)
    votes = VoteStore(Engine(steps.a.engine, Unheard))  # type: ignore[arg-type]
    casting = Casting(steps.a.polls, votes, steps.a.path)
    casting.batcher.start()
    with pytest.raises(Unavailable):
        await casting.cast(user, str(poll.id), poll.option_ids()[:1])
    again = await steps.b.casting.cast(user, str(poll.id), poll.option_ids()[:1])
    assert again.outcome is Outcome.SAME
    state = await steps.state(poll)
    assert (state["missing"], state["voters"]) != (0, 0), "trusted, and without the ballot"
    await casting.batcher.aclose()


async def test_a_like_that_may_stand_leaves_its_mark(steps: Steps) -> None:
    poll, user = await steps.poll(), token_hex(12)
    likes = LikeStore(Engine(steps.a.engine, Silent))  # type: ignore[arg-type]
    liking = Liking(steps.a.polls, likes, steps.a.path)
    liking.batcher.start()
    with pytest.raises(Unavailable):
        await liking.act(user, str(poll.id), Act.SET)
    assert [user in mark for mark in (await steps.marks(poll)).values()] == [True]
    await liking.batcher.aclose()


async def test_whose_caller_was_told_503_is_not_written(steps: Steps) -> None:
    """It waited too long for its batch, which is about to write."""
    poll, user = await steps.poll(), token_hex(12)
    lock = steps.a.wires.mongo.catch(mongo_command("update", "poll"))
    future = steps.a.casting.batcher.enqueue(wish(poll, user))
    await lock.caught()
    future.set_exception(Unavailable())
    lock.release()
    with pytest.raises(Unavailable):
        await future
    await steps.a.casting.batcher.aclose()
    assert await steps.ballot(poll, user) is None


async def test_a_like_whose_caller_was_told_503_is_not_written(steps: Steps) -> None:
    poll, user = await steps.poll(), token_hex(12)
    steps.a.polls.forget_all()
    reading = steps.a.wires.mongo.catch(mongo_command("find", "poll"))
    future = steps.a.liking.batcher.enqueue(LikeWish(user, str(poll.id), Act.SET))
    await reading.caught()
    future.set_exception(Unavailable())
    reading.release()
    with pytest.raises(Unavailable):
        await future
    await steps.a.liking.batcher.aclose()
    assert await steps.database["like"].count_documents({}) == 0


async def test_a_retraction_of_nothing_is_a_fence(steps: Steps) -> None:
    """A vote that was sent before and not answered lands afterwards, and does nothing."""
    poll, user = await steps.poll(allow_vote_change=True), token_hex(12)
    result = await steps.a.casting.retract(user, str(poll.id))
    assert result.outcome is Outcome.RETRACTED
    empty = await steps.ballot(poll, user)
    assert empty is not None
    assert empty["optionIds"] == []


async def test_the_same_choice_again_is_a_fence(steps: Steps) -> None:
    """A change that was sent before and not answered lands afterwards, and does nothing."""
    poll, user = await steps.poll(allow_vote_change=True), token_hex(12)
    for outcome, revision in ((Outcome.CREATED, 0), (Outcome.SAME, 1)):
        cast = await steps.a.casting.cast(user, str(poll.id), poll.option_ids()[:1])
        assert cast.outcome is outcome
        ballot = await steps.ballot(poll, user)
        assert ballot is not None
        assert ballot["revision"] == revision


async def test_that_there_is_no_like_is_a_fence(steps: Steps) -> None:
    poll, user = await steps.poll(), token_hex(12)
    assert not await steps.a.liking.act(user, str(poll.id), Act.UNSET)
    query = {"userId": ObjectId(user), "pollId": poll.id, "liked": False}
    assert await steps.database["like"].count_documents(query) == 1


async def test_an_insert_that_was_not_answered_is_fenced_before_its_caller_hears(
    steps: Steps,
) -> None:
    """It lands afterwards, and does nothing."""
    poll, user = await steps.poll(), token_hex(12)
    ballot = {
        "_id": ObjectId(),
        "userId": ObjectId(user),
        "pollId": poll.id,
        "optionIds": [poll.options[0].id],
        "revision": 0,
    }
    late = steps.a.wires.mongo.catch(mongo_command("insert", "vote"))
    with deadline(0.3):
        inserted = await insert_all(
            steps.a.engine.get_collection(Vote), [ballot], {"optionIds": []}
        )
    assert (inserted.stored, inserted.fenced, inserted.doubtful) == (set(), {0}, set())
    await late.landed()
    stored = await steps.ballot(poll, user)
    assert stored is not None
    assert stored["optionIds"] == []


async def test_of_two_choices_at_once_the_first_stands_where_votes_stand(steps: Steps) -> None:
    """Something of the voter was fenced before, so both find an empty ballot."""
    poll, user = await steps.poll(), token_hex(12)
    await steps.a.votes.fence(str(poll.id), [user])
    await steps.a.uncounted.look()
    both = [steps.a.casting.cast(user, str(poll.id), [option]) for option in poll.option_ids()[:2]]
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert not isinstance(first, BaseException)
    assert first.outcome is Outcome.CREATED
    assert isinstance(second, AlreadyVoted)
    stored = await steps.ballot(poll, user)
    assert stored is not None
    assert list(map(str, stored["optionIds"])) == poll.option_ids()[:1]


async def test_a_choice_that_was_repeated_after_the_close_is_not_changed_any_more(
    steps: Steps,
) -> None:
    """By a change that was sent before it, and not answered."""
    poll, user = await steps.poll(allow_vote_change=True), token_hex(12)
    pid, options = str(poll.id), poll.option_ids()
    await steps.b.casting.cast(user, pid, options[:1])
    late = steps.a.wires.mongo.catch(mongo_command("update", "vote"))
    changing = asyncio.create_task(steps.a.casting.cast(user, pid, options[1:2]))
    await late.caught()
    assert await steps.b.polls.change(poll, {"status": "closed"}) is not None
    repeated = await steps.b.casting.cast(user, pid, options[:1])
    assert repeated.outcome is Outcome.SAME
    late.release()
    await asyncio.wait([changing])
    ballot = await steps.ballot(poll, user)
    assert ballot is not None
    assert [str(one) for one in ballot["optionIds"]] == options[:1]
