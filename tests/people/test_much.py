"""A person who has voted very often: told of it and erased in pieces, never all of it at once."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import httpx
import pytest
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.people.erasing import SOME
from quickpoll.people.erasing.ballots import BallotEraser
from quickpoll.people.export import PIECE_BYTES
from tests.builders import create_poll, look, vote
from tests.people.life import Places, ask_to_erase, erased

most_bytes = 5 * 2**20
"""Far below what all of it would take: 6,000 ballots are some 12 MB as documents."""

written_at_once = 2_000


@contextmanager
def bounded() -> Iterator[None]:
    """What is done in it never has much in memory beyond what there was before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        yield
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < most_bytes, f"{peak / 2**20:.1f} MB at once"


async def voted(places: Places, user: str, poll_ids: Iterator[ObjectId], ballots: int) -> None:
    """Ballots of this person, on each of these polls."""
    now, option = datetime.now(UTC), ObjectId()
    for start in range(0, ballots, written_at_once):
        some: list[dict[str, Any]] = [
            {
                "userId": ObjectId(user),
                "pollId": next(poll_ids),
                "optionIds": [option],
                "createdAt": now,
                "castAt": now,
                "revision": 0,
            }
            for _ in range(min(written_at_once, ballots - start))
        ]
        await places.database["vote"].insert_many(some, ordered=False)


def unknown_polls() -> Iterator[ObjectId]:
    """Polls that are not there any more: what has to be done for those that are is bounded below,
    and takes some milliseconds for each."""
    while True:
        yield ObjectId()


@pytest.mark.parametrize(
    "ballots",
    [6_000, pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])],
)
async def test_a_person_of_many_ballots_is_told_of_and_erased_in_pieces(
    client: httpx.AsyncClient, services: Services, places: Places, ballots: int
) -> None:
    user = token_hex(12)
    await voted(places, user, unknown_polls(), ballots)
    with bounded():
        largest = total = told = 0
        async for piece in services.people.export.pieces(user):
            largest, total = max(largest, len(piece)), total + len(piece)
            told += piece.count(b'"optionIds"')
    assert (told, largest < PIECE_BYTES + 1_000) == (ballots, True)
    assert total > ballots * 100
    await ask_to_erase(client, user)
    with bounded():
        await services.people.erasures.round()
    assert await erased(client, services, user)
    assert await places.database["vote"].count_documents({}) == 0


async def test_a_step_is_so_large_and_no_larger(
    client: httpx.AsyncClient, services: Services, places: Places
) -> None:
    """However many there are: on polls that are there, with everything that belongs to that."""
    user, polls = token_hex(12), [await create_poll(client, token_hex(12)) for _ in range(3)]
    for poll in polls:
        assert (await vote(client, poll, 0, user)).status_code == 201
    await voted(places, user, unknown_polls(), 2 * SOME)
    (eraser,) = [one for one in services.people.erasures.erasers if isinstance(one, BallotEraser)]
    steps = []
    while found := await eraser.some(user):
        steps.append((found, await eraser.left(user)))
    total = 2 * SOME + len(polls)
    assert steps == [(SOME, total - SOME), (SOME, total - 2 * SOME), (len(polls), 0)]
    for poll in polls:
        assert (await look(client, poll, user))["votersCount"] == 0
