"""Backup and restore: MongoDB's documents are all there is to keep."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from secrets import token_hex
from typing import Any

import httpx
import pytest
from bson import decode_all, encode
from pymongo import MongoClient

from quickpoll.localrun.embedded import StoreAddresses
from tests.builders import create_poll, look, vote
from tests.checkout import root
from tests.instances import Instance

Backup = dict[str, bytes]


class Database:
    """A database of documents, dumped and restored as `mongodump` and `mongorestore` do: BSON of
    each collection, indexes left to the service."""

    def __init__(self, url: str, name: str) -> None:
        self._client: MongoClient[dict[str, Any]] = MongoClient(url)
        self._database = self._client[name]

    def dump(self) -> Backup:
        """Every document."""
        names = self._database.list_collection_names()
        return {name: b"".join(map(encode, self._database[name].find())) for name in names}

    def restore(self, backup: Backup) -> None:
        """Put those documents in place of all that is there."""
        self._client.drop_database(self._database.name)
        for name, documents in backup.items():
            if found := decode_all(documents):
                self._database[name].insert_many(found)

    def beat(self) -> dict[str, Any] | None:
        """The service's last heartbeat."""
        return self._database["heartbeat"].find_one({})

    def close(self) -> None:
        """Leave."""
        self._client.close()


@pytest.fixture
def database(stores: StoreAddresses, name: str) -> Iterator[Database]:
    found = Database(stores.database_url, name)
    yield found
    found.close()


def recount(instance: Instance) -> str:
    """What an operator does after a restore."""
    done = subprocess.run(
        [sys.executable, "-m", "quart", "--app", "quickpoll", "recount"],
        cwd=root,
        env={"PATH": os.environ["PATH"], **instance.variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_restored_database_is_served_with_its_own_counts_and_rules(
    start_instance: Callable[..., Instance],
    http: Callable[[str], httpx.AsyncClient],
    database: Database,
) -> None:
    first = start_instance()
    client = http(first.url)
    poll = await create_poll(client, "a" * 24)
    voters = [token_hex(12) for _ in range(7)]
    for place, voter in enumerate(voters):
        assert (await vote(client, poll, place % 3, voter)).status_code == 201
    kept = (await look(client, poll, "a" * 24))["counts"]
    backup = database.dump()
    assert (await vote(client, poll, 0, token_hex(12))).status_code == 201

    first.stop()
    database.restore(backup)
    assert poll["id"] in recount(first)  # Redis still had the vote that the backup has not

    again = http(start_instance().url)
    assert (await look(again, poll, "a" * 24))["counts"] == kept
    assert (await vote(again, poll, 0, voters[1])).status_code == 409
    assert (await vote(again, poll, 0, token_hex(12))).status_code == 201


async def test_counts_follow_a_database_that_was_restored_behind_the_service(
    start_instance: Callable[..., Instance],
    http: Callable[[str], httpx.AsyncClient],
    database: Database,
) -> None:
    """Nobody recounts: the service notices that MongoDB has gone back in time."""
    first = start_instance()
    client = http(first.url)
    poll = await create_poll(client, "a" * 24)
    for place in range(3):
        assert (await vote(client, poll, place, token_hex(12))).status_code == 201
    kept = (await look(client, poll, "a" * 24))["counts"]
    await beaten(database)
    backup = database.dump()
    for _ in range(4):
        assert (await vote(client, poll, 0, token_hex(12))).status_code == 201
    await beaten(database)

    database.restore(backup)

    async with asyncio.timeout(20):
        while (await look(client, poll, "a" * 24))["counts"] != kept:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def beaten(database: Database) -> None:
    """Wait for the service's next heartbeat in MongoDB."""
    before = database.beat()
    async with asyncio.timeout(20):
        while database.beat() == before:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)
