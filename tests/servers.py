"""The servers that the tests run on: embedded ones in memory, or those that somebody has."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from redis import Redis

from quickpoll.localrun.embedded import StoreAddresses

given_mongodb = os.environ.get("TEST_MONGODB", "")
given_redis = os.environ.get("TEST_REDIS", "")
"""Servers that somebody has (``make test MONGODB=… REDIS=…``), in place of the embedded ones."""


def in_memory() -> Path | None:
    """A file system in memory with room for the stores, or ``None`` for the ordinary place.

    A disk that stalls for the two seconds that the service waits for MongoDB is a 503, and rightly.
    """
    shared = Path("/dev/shm")  # noqa: S108 - a folder of an unpredictable name is made there
    roomy = os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 2 << 30
    return shared if roomy else None


def leave_nothing(stores: StoreAddresses, name: str) -> None:
    """Take a test's database and keys away: a server with those of very many tests is slow."""
    with MongoClient[dict[str, Any]](stores.database_url) as client:
        for one in (name, f"{name}b"):  # a second one is named after the first
            client.drop_database(one)
    if given_redis:
        with Redis(stores.redis_host, stores.redis_port) as redis:
            for key in redis.scan_iter(f"{name}:*"):
                redis.delete(key)
