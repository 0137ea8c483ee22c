"""The close of a sealed log with many ballots: in steps, each of bounded size, beside which others
are served; nothing of it is seen before all of it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import pytest
from bson import ObjectId

from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.polls.models import Poll
from quickpoll.transparency import sequencer
from quickpoll.verification import tiles, tree
from quickpoll.votes.logged import cast_line, fields_of_new
from tests.exact.framing import mongo_command
from tests.exact.stepping import Steps, stepping
from tests.integration.log_harness import log_settings

BATCH = 50


@pytest.fixture
async def steps(stores: StoreAddresses, name: str) -> AsyncIterator[Steps]:
    """Two instances A and B that sign logs, in which nothing runs by itself."""
    async with stepping(stores, name, **log_settings) as steps:
        yield steps


async def sealed_poll(steps: Steps, ballots: int) -> tuple[Poll, list[str]]:
    """A poll that was closed with so many sealed ballots, as batches write them; their entries."""
    poll = await steps.poll(verifiable=True, results="after_close")
    poll_id, entries = str(poll.id), list[str]()
    for _ in range(0, ballots, BATCH):
        token, documents = token_hex(8), list[dict[str, Any]]()
        for place in range(BATCH):
            user, option = ObjectId(), poll.options[place % 3].id
            line, now = cast_line(poll_id, str(user), [str(option)]), datetime.now(UTC)
            own = {"userId": user, "pollId": poll.id, "optionIds": [option], "revision": 0}
            times = {"createdAt": now, "castAt": now}
            documents.append(own | times | fields_of_new(poll_id, line, token, sealed=True))
            entries.append(line.entry)
        await steps.database["vote"].insert_many(documents, ordered=False)
    closed = {"status": "closed", "closedAt": datetime.now(UTC), "logPhase": 1, "logDue": "due"}
    assert await steps.a.polls.change(poll, {**closed, "votedOn": True}) is not None
    await steps.a.uncounted.look()
    return poll, entries


@pytest.mark.parametrize(
    ("ballots", "most"),
    [
        (400, 100),
        pytest.param(20_000, 2000, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
)
async def test_many_sealed_ballots_are_logged_in_steps(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, ballots: int, most: int
) -> None:
    monkeypatch.setattr(sequencer, "MOST_OF_A_STEP", most)
    poll, entries = await sealed_poll(steps, ballots)
    poll_id, store = str(poll.id), steps.a.log_room.store
    sizes, sequence = [1], steps.a.log_room.sequencer
    while await sequence.advance(poll_id, with_ballots=True):
        state = await store.read(poll_id)
        assert state is not None
        assert state.published is not None
        assert state.size - sizes[-1] <= most + 1
        # Nothing is seen before the last step, which shows all of it.
        assert state.published.size == (state.size if state.told.closed else 1)
        sizes.append(state.size)
    assert len(sizes) > ballots // most
    assert sizes[-1] == 1 + ballots + 1
    paths = [place.full_path for place in tiles.places(None, sizes[-1])]
    found: list[str] = []
    for start in range(0, len(paths), 8):
        bundles = await store.contents(poll_id, paths[start : start + 8])
        for path in paths[start : start + 8]:
            found += [line.decode() for line in tiles.unbundle(bundles[path])]
    assert sorted(found[1:-1]) == sorted(entries)
    # Shuffled as a whole: a step is not made of those alone that were cast together.
    batch_of = {entry: place // BATCH for place, entry in enumerate(entries)}
    assert len({batch_of[one] for one in found[1 : 1 + most]}) > most // BATCH
    assert found[-1].startswith(f"close {ballots} ")
    head = (await store.published([poll_id]))[poll_id]
    assert head.root == tree.root([tree.leaf_hash(line.encode()) for line in found])
    assert await steps.database["vote"].count_documents({"unlogged": {"$exists": True}}) == 0


async def test_others_vote_while_a_large_close_is_logged(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of it, while one of its writes does not come through."""
    monkeypatch.setattr(sequencer, "MOST_OF_A_STEP", 50)
    poll, _ = await sealed_poll(steps, 150)
    other = await steps.poll()
    caught = steps.a.wires.mongo.catch(mongo_command("update", "vote"))
    closing = asyncio.create_task(
        steps.a.log_room.sequencer.keep_up(str(poll.id), with_ballots=True)
    )
    await caught.caught()
    await steps.a.uncounted.look()
    cast = await steps.a.casting.cast(token_hex(12), str(other.id), [other.option_ids()[0]])
    assert cast.ballot is not None
    assert not closing.done()
    caught.release()
    await closing
    state = await steps.a.log_room.store.read(str(poll.id))
    assert state is not None
    assert (state.told.closed, state.told.held) == (True, 150)


async def test_a_large_close_goes_on_where_another_instance_left_it(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first one remembers of what is left is out of date then: the other has logged the
    very ballots that come next."""
    monkeypatch.setattr(sequencer, "MOST_OF_A_STEP", 50)
    poll, entries = await sealed_poll(steps, 200)
    poll_id, (a, b) = str(poll.id), (steps.a.log_room, steps.b.log_room)
    await steps.b.uncounted.look()
    await a.sequencer.advance(poll_id, with_ballots=True)
    ((which, left),) = a.sequencer._closing.items()
    b.sequencer._closing[which] = left[:50]
    await b.sequencer.advance(poll_id, with_ballots=True)
    a.sequencer._kept.clear()  # as when many other logs were written to meanwhile
    await a.sequencer.keep_up(poll_id, with_ballots=True)
    state = await a.store.read(poll_id)
    assert state is not None
    assert state.published is not None
    assert (state.told.held, state.published.size) == (len(entries), len(entries) + 2)
