"""What is said of inserts whose outcome nobody heard, and what becomes of those that come late."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError

from quickpoll.composition import Services
from quickpoll.foundation.stores.bulk_writes import change_once, fence, insert_all
from quickpoll.foundation.stores.mongo import insert_once
from quickpoll.votes.models import Vote
from tests.instances import free_port

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


async def test_an_insert_that_the_driver_repeats_meets_itself(
    votes: AsyncIOMotorCollection[dict[str, Any]],
) -> None:
    """A server that was killed may know the document, and not that this is its insert."""
    one = document()

    assert await insert_once(votes, dict(one))
    assert not await insert_once(votes, dict(one))

    assert await votes.count_documents({}) == 1


async def test_an_insert_that_meets_somebody_elses_is_refused(
    votes: AsyncIOMotorCollection[dict[str, Any]],
) -> None:
    one = document()
    await insert_once(votes, dict(one))

    with pytest.raises(DuplicateKeyError):
        await insert_once(votes, {**one, "_id": ObjectId()})


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


class Answering:
    """A collection whose server answers an insert with these errors, as a replica set does, and
    nothing that is asked afterwards."""

    name = "some"

    def __init__(self, **details: Any) -> None:
        self._details = details

    async def insert_many(self, documents: list[Any], *, ordered: bool) -> None:
        """Nothing but the answer."""
        raise BulkWriteError({"writeErrors": [], "writeConcernErrors": [], **self._details})

    async def bulk_write(self, *_: Any, **__: Any) -> None:
        """Not even whether it was fenced is heard."""
        raise AutoReconnect


@pytest.mark.parametrize(
    ("details", "stored", "duplicate", "doubtful"),
    [
        ({"writeErrors": [{"index": 1, "code": 11000}]}, {0, 2}, {1}, set()),
        ({"writeErrors": [{"index": 1, "code": 11602}]}, {0, 2}, set(), {1}),
        ({"writeConcernErrors": [{"code": 64}]}, set(), set(), {0, 1, 2}),
        (
            {
                "writeErrors": [{"index": 0, "code": 11000}],
                "writeConcernErrors": [{"code": 91}],
            },
            set(),
            {0},
            {1, 2},
        ),
    ],
    ids=["duplicate", "another error", "not by a majority", "both"],
)
async def test_what_the_server_says_of_each_insert(
    details: dict[str, Any], stored: set[int], duplicate: set[int], doubtful: set[int]
) -> None:
    collection: Any = Answering(**details)

    inserted = await insert_all(collection, [document() for _ in range(3)], EMPTY)

    assert (inserted.stored, inserted.duplicate, inserted.doubtful) == (
        stored,
        duplicate,
        doubtful,
    )


class Repeating:
    """A collection over which each change is sent twice: the first answer was lost on the way, and
    the driver sent it again, to a server that does not know it for the same."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self.find_one = collection.find_one

    async def update_one(self, *change: Any) -> Any:
        """The answer to the second try."""
        await self._collection.update_one(*change)
        return await self._collection.update_one(*change)


async def test_a_change_that_the_driver_repeats_is_our_own(services: Services) -> None:
    collection: Any = services.mongo[services.settings.database_name]["some"]
    mine: dict[str, Any] = {"_id": ObjectId(), "revision": 1}
    await collection.insert_one(mine)
    repeating: Any = Repeating(collection)

    assert await change_once(repeating, mine, {"$set": {"colour": "red"}})

    assert (await collection.find_one(mine["_id"]))["revision"] == 2


async def test_a_change_that_comes_second_is_not_in_place(services: Services) -> None:
    collection: Any = services.mongo[services.settings.database_name]["some"]
    as_it_was: dict[str, Any] = {"_id": ObjectId(), "revision": 1}
    await collection.insert_one(as_it_was)
    assert await change_once(collection, as_it_was, {"$set": {"colour": "red"}})

    assert not await change_once(collection, as_it_was, {"$set": {"colour": "blue"}})

    assert (await collection.find_one(as_it_was["_id"]))["colour"] == "red"
