"""Embedded stores in tests: impatient and unlucky ones, and writes that must last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymongo import MongoClient, WriteConcern

from quickpoll.localrun.child_process import free_port
from quickpoll.localrun.embedded import EmbeddedMongo, EmbeddedRedis

DURABLE = WriteConcern(w="majority", j=True)


def votes(mongo: EmbeddedMongo) -> MongoClient[dict[str, Any]]:
    """A client of the store's database."""
    return MongoClient(mongo.url("quickpoll"), serverSelectionTimeoutMS=3000)


class ImpatientMongo(EmbeddedMongo):
    """One that gives up soon."""

    retry_seconds = 0.2


class ImpatientRedis(EmbeddedRedis):
    """One that gives up soon."""

    retry_seconds = 0.2


class BrokenRedis(ImpatientRedis):
    """One whose program fails at once."""

    def _command(self, port: int) -> list[str]:
        return ["false"]


class UnluckyRedis(EmbeddedRedis):
    """Chooses a taken port first."""

    def __init__(self, directory: Path, taken: int) -> None:
        super().__init__(directory)
        self._ports = iter([taken, free_port()])

    def _choose_port(self) -> int:
        return next(self._ports)
