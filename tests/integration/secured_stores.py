"""Stores that ask who is there: Valkey with ACLs, SecantusDB with users and roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from quickpoll.localrun.child_process import LOOPBACK
from quickpoll.localrun.embedded import EmbeddedMongo

administrator, password = "administrator", "open-sesame-of-mongodb"


class SecuredMongo(EmbeddedMongo):
    """SecantusDB that serves nobody without a password. It is started twice: its first user can
    only be made while it does not ask yet."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._asks = False

    def start_secured(self) -> SecuredMongo:
        """Start it with one administrator."""
        self.start()
        with MongoClient[dict[str, Any]](self.url("admin")) as client:
            client.admin.command("createUser", administrator, pwd=password, roles=["root"])
        self.stop()
        self._asks = True
        self.start()
        return self

    def url_of(self, user: str, secret: str, database: str) -> str:
        """The connection string of a user."""
        entry = f"{user}:{secret}@{LOOPBACK}:{self.port}"
        return f"mongodb://{entry}/{database}?directConnection=true&authSource=admin"

    def command(self, name: str, value: Any, **more: Any) -> None:
        """Run a command as the administrator."""
        with MongoClient[dict[str, Any]](self.url_of(administrator, password, "admin")) as client:
            client.admin.command(name, value, **more)

    def _command(self, port: int) -> list[str]:
        return [*super()._command(port), *(["--auth"] if self._asks else [])]

    def _answers(self, port: int, pid: int) -> bool:
        if not self._asks:
            return super()._answers(port, pid)
        entry = f"mongodb://{administrator}:{password}@{LOOPBACK}:{port}/?directConnection=true"
        try:
            with MongoClient[dict[str, Any]](entry, serverSelectionTimeoutMS=500) as client:
                return bool(client.admin.command("serverStatus")["pid"] == pid)
        except PyMongoError:
            return False
