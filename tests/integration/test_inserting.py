"""What is said of inserts whose outcome nobody heard, and what becomes of those that come late."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection

from quickpoll.composition import Services
from quickpoll.foundation.inserting import change_once, fence, insert_all
from quickpoll.votes.models import Vote
from tests.conftest import free_port

EMPTY: dict[str, Any] = {"optionIds": []}


def document() -> dict[str, Any]:
    return {
        "_id": ObjectId(),
        "userId": ObjectId(),
        "pollId": ObjectId(),
        "optionIds": [1],
        "revision": 0,
    }


@pytest.fixture
def votes(services: Services) -> AsyncIOMotorCollection[dict[str, Any]]:
    return services.engine.get_collection(Vote)


async def test_without_an_answer_every_insert_is_in_doubt() -> None:
    url = f"mongodb://127.0.0.1:{free_port()}"
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(url, timeoutMS=100)

    inserted = await insert_all(client["nowhere"]["vote"], [document() for _ in range(3)], EMPTY)

    assert (inserted.stored, inserted.duplicate, inserted.doubtful) == (set(), set(), {0, 1, 2})
    client.close()


async def test_a_repeated_insert_is_a_duplicate_beside_what_is_new(
    votes: AsyncIOMotorCollection[dict[str, Any]],
) -> None:
    first, second = document(), document()
    await insert_all(votes, [first], EMPTY)

    inserted = await insert_all(votes, [first, second], EMPTY)

    assert (inserted.stored, inserted.duplicate, inserted.doubtful) == ({1}, {0}, set())
    assert await votes.count_documents({}) == 2


async def test_an_insert_that_comes_after_its_fence_does_nothing(
    votes: AsyncIOMotorCollection[dict[str, Any]],
) -> None:
    late = document()
    await fence(votes, [{"userId": late["userId"], "pollId": late["pollId"]}], EMPTY)

    inserted = await insert_all(votes, [late], EMPTY)

    assert inserted.duplicate == {0}
    assert await votes.count_documents({"optionIds": 1}) == 0


async def test_a_change_that_comes_after_its_fence_does_nothing(
    votes: AsyncIOMotorCollection[dict[str, Any]],
) -> None:
    stored = document()
    await insert_all(votes, [stored], EMPTY)
    await fence(votes, [{"userId": stored["userId"], "pollId": stored["pollId"]}], EMPTY)

    as_it_was = {"_id": stored["_id"], "revision": 0}
    assert not await change_once(votes, as_it_was, {"$set": {"optionIds": [2]}})

    [now_is] = await votes.find({}).to_list(None)
    assert (now_is["optionIds"], now_is["revision"]) == ([1], 1)
