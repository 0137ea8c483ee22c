"""The services under measurement: QuickPoll and its peers, each a process on one core."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from typing import Any

from bson import ObjectId

from bench.install import here, node_folder_of, python_of
from bench.machine import Cores, cpu_seconds, resident_bytes
from bench.stores import Stores, wait_until
from bench.tokens import TokenBook
from quickpoll.localrun.child_process import LOOPBACK, ChildProcess, free_port, plain_environment

_root = here.parent


@dataclass(frozen=True)
class Form:
    """One way to write the service. ``command`` makes the command line for a port."""

    name: str
    label: str
    command: Callable[[int], list[str]]
    folder: Callable[[], Path] = lambda: _root
    environment: dict[str, str] = field(default_factory=dict)


def _hypercorn(port: int, *more: str) -> list[str]:
    return [sys.executable, "-m", "hypercorn", "--bind", f"{LOOPBACK}:{port}", *more]


def _quickpoll(module: str) -> Callable[[int], list[str]]:
    return lambda port: _hypercorn(port, "--config", str(_root / "hypercorn.toml"), module)


def _uvicorn(port: int) -> list[str]:
    return [
        *(str(python_of("fastapi_naive")), "-m", "uvicorn", "app:serve"),
        *("--host", LOOPBACK, "--port", str(port), "--loop", "uvloop", "--http", "httptools"),
        *("--ws", "websockets", "--no-access-log", "--log-level", "warning", "--backlog", "4096"),
    ]


def _node(_port: int) -> list[str]:
    return ["node", "server.js"]


def _peer(name: str) -> Callable[[], Path]:
    return lambda: here / "peers" / name


_emitting = {"EMIT": "1"}
_signing = {"API_LOG_KEY": b64encode(token_bytes(32)).decode(), "API_LOG_NAME": "bench"}

forms = {
    form.name: form
    for form in (
        Form("quickpoll", "QuickPoll", _quickpoll("quickpoll.asgi:app")),
        Form(
            "quickpoll-logs",
            "QuickPoll + logs",
            _quickpoll("quickpoll.asgi:app"),
            environment=_signing,
        ),
        Form("quickpoll-empty", "QuickPoll + empty route", _quickpoll("bench.empty_route:app")),
        Form(
            "quickpoll-fast-path",
            "the fast path alone",
            _quickpoll("bench.variants:without_parser()"),
        ),
        Form("quickpoll-parser", "the parser alone", _quickpoll("bench.variants:without_lane()")),
        Form("quickpoll-neither", "neither", _quickpoll("bench.variants:with_neither()")),
        Form("fastapi", "FastAPI + uvicorn", _uvicorn, _peer("fastapi_naive")),
        Form(
            "fastapi-emit", "FastAPI + python-socketio", _uvicorn, _peer("fastapi_naive"), _emitting
        ),
        Form("node", "Node, Fastify", _node, lambda: node_folder_of("node_naive")),
        Form(
            "node-emit", "Node + socket.io", _node, lambda: node_folder_of("node_naive"), _emitting
        ),
        Form(
            "quart",
            "Quart + Hypercorn, naive",
            lambda port: _hypercorn(port, "--worker-class", "uvloop", "--workers", "0", "app:app"),
            _peer("quart_naive"),
        ),
    )
}


@dataclass(frozen=True)
class PollHandle:
    """A poll that was made for a run."""

    id: str
    options: tuple[str, ...]
    owner: str = ""
    """The owner's token."""

    def vote_paths(self) -> list[str]:
        """The paths of a vote on each option."""
        return [f"/api/poll/vote-on-poll/{self.id}/{option}" for option in self.options]


class Service:
    """A running service: its address, what it has used, and polls on demand."""

    def __init__(
        self, form: Form, key: str, stores: Stores, book: TokenBook, cores: Cores, logs: Path
    ) -> None:
        self.form, self.key, self.stores = form, key, stores
        self.port = free_port()
        self.address = f"http://{LOOPBACK}:{self.port}"
        self._book = book
        command = ["taskset", "--cpu-list", str(cores.service), *form.command(self.port)]
        environment = {
            **plain_environment(),
            **form.environment,
            "API_DATABASE_URL": stores.database_url(key),
            "API_REDIS_HOST": LOOPBACK,
            "API_REDIS_PORT": str(stores.redis_port(key)),
            "JWT_SECRET_KEY": book.secret,
            "LOG_LEVEL": "WARNING",
            "PORT": str(self.port),
            "PYTHONPATH": str(_root) if form.folder() == _root else "",
        }
        self.log = logs / f"{key}.log"
        self._child = ChildProcess(command, self.log, form.folder(), environment)
        try:
            wait_until(self._answers, 20, f"the start of {form.label} (log: {self.log})")
        except BaseException:
            self._child.kill()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def cpu(self) -> float:
        """Seconds of processor time it has used."""
        return cpu_seconds(self.pid)

    def memory(self) -> int:
        """Bytes it holds."""
        return resident_bytes(self.pid)

    def stop(self) -> None:
        """End it."""
        self._child.kill()

    def create_poll(self, options: int = 4, **more: object) -> PollHandle:
        """Make a poll through its interface; ``more`` are fields of its own."""
        body = {
            "question": f"Which one is it, {os.urandom(4).hex()}?",
            "options": [{"text": f"Option {number}"} for number in range(1, options + 1)],
            **more,
        }
        owner = self._book.one()
        poll = self.ask("POST", "/api/poll/create-poll", body, owner)
        return PollHandle(poll["id"], tuple(option["id"] for option in poll["options"]), owner)

    def poll_view(self, poll: PollHandle) -> dict[str, Any]:
        """What it answers its owner about a poll."""
        return dict(self.ask("GET", f"/api/poll/get-poll-by-id/{poll.id}", by=poll.owner))

    def close_poll(self, poll: PollHandle) -> None:
        """Close a poll as its owner."""
        self.ask("POST", f"/api/poll/close-poll/{poll.id}", by=poll.owner)

    def logged(self, poll: PollHandle) -> int:
        """How many entries are published in the log of a verifiable poll, by what MongoDB says:
        the service is not asked, for that would cost it something."""
        logs = self.stores.client[self.stores.database(self.key)]["log"]
        found = logs.find_one({"_id": ObjectId(poll.id)}) or {}
        return int((found.get("published") or {}).get("size", 0))

    def ask(self, method: str, path: str, body: object = None, by: str | None = None) -> Any:
        """One request with a token; each time another user's where none is given."""
        request = urllib.request.Request(  # noqa: S310 (loopback, built here)
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {by or self._book.one()}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)

    def _answers(self) -> bool:
        if not self._child.running:
            raise RuntimeError(f"{self.form.label} ended at its start; its log is {self.log}")
        try:
            self.ask("GET", "/api/poll/get-poll-by-id/000000000000000000000000")
        except urllib.error.HTTPError as error:
            return error.code in (404, 405)
        except OSError:
            return False
        return True
