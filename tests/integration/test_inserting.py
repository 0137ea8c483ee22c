"""What is said of inserts whose outcome nobody heard."""

from __future__ import annotations

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient

from quickpoll.composition import Services
from quickpoll.foundation.inserting import insert_all
from tests.conftest import free_port


async def test_without_an_answer_every_insert_is_in_doubt() -> None:
    url = f"mongodb://127.0.0.1:{free_port()}"
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(url, timeoutMS=100)

    inserted = await insert_all(client["nowhere"]["vote"], [{"_id": ObjectId()} for _ in range(3)])

    assert (inserted.stored, inserted.duplicate, inserted.doubtful) == (set(), set(), {0, 1, 2})
    client.close()


async def test_a_repeated_insert_is_a_duplicate_beside_what_is_new(services: Services) -> None:
    collection = services.mongo[services.settings.database_name]["some"]
    first, second = {"_id": ObjectId()}, {"_id": ObjectId()}
    await insert_all(collection, [first])

    inserted = await insert_all(collection, [first, second])

    assert (inserted.stored, inserted.duplicate, inserted.doubtful) == ({1}, {0}, set())
    assert await collection.count_documents({}) == 2
