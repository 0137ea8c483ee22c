"""Holes 7 and 10: what an idle instance does costs no more because more is stored, and the primary
is always read, whatever the connection string says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from os import sysconf
from pathlib import Path
from secrets import token_hex

import pytest
from bson import ObjectId
from pymongo import MongoClient

from quickpoll.foundation.stores.mongo import open_client
from quickpoll.localrun.embedded import StoreAddresses
from tests.exact.pair import Document, Pair

stored = 4_000
idle_seconds = 4.0

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="the processor time of another process"
)


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used (proc(5): fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")


async def idle_cost(pid: int) -> float:
    """The processor time that MongoDB uses while nobody asks for anything."""
    before = processor_seconds(pid)
    await asyncio.sleep(idle_seconds)
    return processor_seconds(pid) - before


def many(number: int, **fields: object) -> list[Document]:
    """Documents of one poll, by as many users."""
    now = datetime.now(UTC)
    common = {"pollId": ObjectId(), "createdAt": now, "castAt": now, "revision": 0}
    return [{"_id": ObjectId(), "userId": ObjectId(), **common, **fields} for _ in range(number)]


@needs_proc
async def test_an_idle_instance_costs_the_same_however_much_is_stored(
    pair: Pair, stores: StoreAddresses
) -> None:
    """Hole 10, in processor time of the embedded store: what its plans say is not what they do."""
    with MongoClient[Document](stores.database_url) as client:
        pid = client.admin.command("serverStatus")["pid"]
    empty = await idle_cost(pid)
    await pair.database["vote"].insert_many(many(stored, optionIds=[ObjectId()]), ordered=False)
    await pair.database["like"].insert_many(many(stored, liked=True), ordered=False)
    full = await idle_cost(pid)
    assert full < empty + 0.05 * idle_seconds, f"{full:.2f} s, {empty:.2f} s with nothing stored"


@pytest.fixture
async def idle_commands(pair: Pair) -> list[bytes]:
    """What an instance says to MongoDB in three idle seconds."""
    said = pair.a.mongo.record()
    await asyncio.sleep(3.0)
    return said


async def test_an_idle_instance_says_little_to_mongodb(idle_commands: list[bytes]) -> None:
    """Four looks a second for notes, four for who is being erased, two for deadlines, one for
    deletions, one for erasures, two for the heartbeat, whatever is stored."""
    asked = [one for one in idle_commands if b"hello" not in one and b"ping" not in one]
    assert len(asked) <= 3 * 20


@pytest.mark.parametrize("preference", ["secondary", "secondaryPreferred", "nearest"])
def test_the_primary_is_read_whatever_the_connection_string_says(preference: str) -> None:
    """Hole 7: a recount that reads a secondary counts what was there some time ago."""
    client = open_client(f"mongodb://localhost:1/{token_hex(4)}?readPreference={preference}")
    try:
        assert client.read_preference.mongos_mode == "primary"
        assert client["any"]["vote"].read_preference.mongos_mode == "primary"
    finally:
        client.close()
