"""What version 0.1.0 has left in the stores: served, counted and mended by this one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import httpx
import orjson
import pytest
import redis.asyncio as aioredis
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient

from quickpoll.counting.keys import Keys
from quickpoll.factory import create_app
from quickpoll.settings import Settings
from tests.builders import look, vote
from tests.conftest import bearer, served

OWNER, VOTER, FORMER = (f"65f1c0ffee0000000000{number:04x}" for number in (0xAA01, 0xAA02, 0xAA03))
CREATED = datetime(2026, 11, 24, 12, tzinfo=UTC)


def poll_of_0_1_0() -> dict[str, Any]:
    return {
        "_id": ObjectId(),
        "question": "Tea or coffee?",
        "folded": "tea or coffee?",
        "userId": ObjectId(OWNER),
        "createdAt": CREATED,
        "options": [{"id": ObjectId(), "text": text} for text in ("Tea", "Coffee")],
        "status": "open",
        "closesAt": None,
        "minChoices": 1,
        "maxChoices": 1,
        "results": "always",
        "allowVoteChange": True,
        "visibility": "public",
        "votedOn": True,
        "revision": 1,
        "likes": 1,
        "lastChange": None,
    }


def ballot_of_0_1_0(poll: dict[str, Any], user: str, option: int | None) -> dict[str, Any]:
    chosen = [] if option is None else [poll["options"][option]["id"]]
    ballot = {
        "_id": ObjectId(),
        "userId": ObjectId(user),
        "pollId": poll["_id"],
        "optionIds": chosen,
        "createdAt": CREATED,
        "castAt": CREATED,
        "revision": 0,
    }
    return ballot if chosen else {**ballot, "revision": 1, "retractedAt": CREATED}


@pytest.fixture
async def old(settings: Settings, name: str) -> Any:
    """The stores as 0.1.0 left them, in the middle of an outage of Redis."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        settings.api_database_url.get_secret_value(), tz_aware=True
    )
    database, poll = client[name], poll_of_0_1_0()
    gone = ObjectId()
    await database["poll"].insert_one(poll)
    await database["vote"].insert_many(
        [
            ballot_of_0_1_0(poll, VOTER, 0),
            ballot_of_0_1_0(poll, FORMER, None),
            ballot_of_0_1_0({**poll, "_id": gone}, token_hex(12), 0),
        ]
    )
    await database["like"].insert_one(
        {
            "_id": ObjectId(),
            "userId": ObjectId(VOTER),
            "pollId": poll["_id"],
            "createdAt": CREATED,
            "liked": True,
            "revision": 0,
        }
    )
    until = datetime.now(UTC) - timedelta(seconds=1)
    await database["uncounted"].insert_one({"_id": poll["_id"], "until": until})
    await database["deletion"].insert_one({"_id": gone, "optionIds": [], "at": CREATED})
    redis, keys, poll_id = (
        aioredis.Redis(port=settings.api_redis_port),
        Keys(f"{name}:"),
        str(poll["_id"]),
    )
    state = {"run": "x", "v": "1", "p": "1", "r": 1, "d": 0, "q": 0, "n": 9, "l": 9, "o": {}}
    await redis.set(keys.state(poll_id), orjson.dumps(state))
    await redis.hset(keys.writes(poll_id), "token", "1795000000000")
    yield database, poll, gone
    client.close()
    await redis.aclose()


async def test_an_upgrade_in_place_is_exact(settings: Settings, old: Any) -> None:
    database, stored, gone = old
    options = [{"id": str(option["id"])} for option in stored["options"]]
    poll: dict[str, Any] = {"id": str(stored["_id"]), "options": options}
    async with served(create_app(settings)) as client:
        seen = await look(client, poll, VOTER)
        assert (seen["votersCount"], seen["counts"]["likes"]) == (1, 1)
        assert (seen["status"], seen["userVotes"]) == ("open", [poll["options"][0]["id"]])
        assert (await look(client, poll, FORMER))["userVotes"] == []

        again = await vote(client, poll, 1, FORMER)
        assert again.status_code == 201
        assert "retractedAt" not in await database["vote"].find_one({"userId": ObjectId(FORMER)})
        close = f"/api/poll/close-poll/{poll['id']}"
        assert (await client.post(close, headers=bearer(OWNER))).status_code == 200
        assert (await look(client, poll, VOTER))["votersCount"] == 2

        async with asyncio.timeout(30):
            while await left_over(database, gone):  # noqa: ASYNC110 - loops tell nobody
                await asyncio.sleep(0.1)


async def left_over(database: Any, gone: ObjectId) -> list[str]:
    """What of the old notes is not settled yet."""
    votes = await database["vote"].count_documents({"pollId": gone})
    notes = await database["uncounted"].count_documents({})
    return ["votes of a deleted poll"] * bool(votes) + ["notes"] * bool(notes)


async def test_an_old_note_keeps_nobody_from_reading(
    settings: Settings, old: Any, client: httpx.AsyncClient
) -> None:
    _, stored, _ = old
    poll = {"id": str(stored["_id"])}
    for _ in range(3):
        assert (await look(client, poll, VOTER))["votersCount"] == 1
