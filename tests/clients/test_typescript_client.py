"""The client that is published for TypeScript: in step, built, packed, run against the service."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from tests.builders import create_poll, option, vote
from tests.checkout import root
from tests.clients.generators import node_modules, programs, require, run
from tests.clients.typescript import package, types
from tests.conftest import bearer, sign
from tests.instances import Instance

pytestmark = pytest.mark.node

patience = 30


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built package, and a strictly typed program that uses it."""
    require("Node.js", shutil.which("node") is not None, "install it")
    require("TypeScript", (node_modules / ".bin" / "tsc").is_file(), "npm ci --prefix tests/js")
    folder = tmp_path_factory.mktemp("client")
    inside = folder / "node_modules" / "quickpoll-client"
    shutil.copytree(package, inside, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (inside / "node_modules").symlink_to(node_modules)
    run(node_modules / ".bin" / "tsc", "-p", inside)
    shutil.copy(programs / "by_quickpoll_client.ts", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    strict = ("--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess")
    kind = ("--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom")
    for shown, page in enumerate((package / "README.md", root / "docs" / "embedding.md")):
        (snippet,) = re.findall(r"^```ts\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
        (folder / f"shown_{shown}.ts").write_text(snippet, "utf-8")
    run(node_modules / ".bin" / "tsc", *strict, *kind, *folder.glob("*.ts"))
    return folder


class Program:
    """What it said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[tuple[str, Any]] = []
        self._came = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    def token(self, *tokens: str) -> None:
        """Hand it tokens, each good for one asking, the last one for all that follow."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{one}\n" for one in tokens).encode())

    async def until(self, what: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """The first of a kind that fits, waited for."""
        async with asyncio.timeout(patience):
            while True:
                for said, more in self.said:
                    if said == what and fits(more):
                        return more
                self._came.clear()
                await self._came.wait()

    def states(self) -> list[Any]:
        """Every state of the poll."""
        return [more for said, more in self.said if said == "state"]

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            what, more = json.loads(line)
            self.said.append((what, more))
            self._came.set()

    async def close(self) -> None:
        """End it."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading


@asynccontextmanager
async def program(built: Path, *arguments: str) -> AsyncIterator[Program]:
    """The program, running."""
    process = await asyncio.create_subprocess_exec(
        *("node", str(built / "by_quickpoll_client.js"), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    running = Program(process)
    try:
        yield running
    finally:
        await running.close()


@asynccontextmanager
async def a_poll(instance: Instance, owner: str) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    """A client of the service, and a poll."""
    async with httpx.AsyncClient(base_url=instance.url, timeout=10) as api:
        yield api, await create_poll(api, owner)


def test_its_types_are_in_step_with_the_service() -> None:
    for name, text in types().items():
        there = (package / "src" / name).read_text("utf-8")
        assert there == text, "python -m tests.clients.typescript"


def test_its_dependencies_are_those_that_are_tested() -> None:
    wanted = json.loads((package / "package.json").read_text("utf-8"))
    tested = json.loads((node_modules.parent / "package.json").read_text("utf-8"))
    there = {**tested["dependencies"], **tested["devDependencies"]}
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        assert version.removeprefix("^") == there[name]
    assert '"resolved"' not in (package / "package-lock.json").read_text("utf-8")


def test_it_packs_what_is_published(built: Path) -> None:
    inside = built / "node_modules" / "quickpoll-client"
    said = run("npm", "pack", "--dry-run", "--ignore-scripts", "--json", inside)
    files = {one["path"] for one in json.loads(said)[0]["files"]}
    assert {"package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"} <= files
    assert not [one for one in files if one.startswith(("src/", "node_modules/"))]


async def test_it_follows_a_poll_over_a_restart_to_its_end(
    built: Path, start_instance: Callable[..., Instance]
) -> None:
    instance, owner = start_instance(), token_hex(12)
    async with (
        a_poll(instance, owner) as (api, poll),
        program(built, instance.url, poll["id"]) as client,
    ):
        client.token(sign())
        assert await client.until("question") == "Which colour?"
        await client.until("state")
        red = option(poll, 0)
        await vote(api, poll, 0, token_hex(12))
        await client.until("state", lambda state: state["counts"][red] == 1)
        instance.kill()
        await client.until("trouble", lambda code: code == "cut_off")
        instance.start()
        await vote(api, poll, 0, token_hex(12))
        await client.until("state", lambda state: state["counts"][red] == 2)
        await api.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer())
        liked = await client.until("state", lambda state: state["counts"]["likes"] == 1)
        assert liked["counts"][red] == 2
        await api.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
        await client.until("state", lambda state: state["status"] == "closed")
        await api.delete(f"/api/poll/delete-poll/{poll['id']}", headers=bearer(owner))
        await client.until("over")
        versions = [state["version"] for state in client.states()]
        assert versions == sorted(set(versions))
        assert client.states()[-1]["status"] == "deleted"


async def test_it_asks_for_another_token_when_one_expires(
    built: Path, start_instance: Callable[..., Instance]
) -> None:
    instance, owner = start_instance(), token_hex(12)
    async with (
        a_poll(instance, owner) as (api, poll),
        program(built, instance.url, poll["id"]) as client,
    ):
        client.token(sign(), sign(seconds=1.5), sign())
        await client.until("state")
        await client.until("trouble", lambda code: code == "expired_token")
        await vote(api, poll, 0, token_hex(12))
        await client.until("state", lambda state: state["counts"][option(poll, 0)] == 1)


async def test_an_error_of_the_interface_is_typed(
    built: Path, start_instance: Callable[..., Instance]
) -> None:
    instance = start_instance()
    async with program(built, instance.url, token_hex(12)) as client:
        client.token(sign())
        assert await client.until("refused") == "poll_not_found"


@pytest.mark.skipif(
    importlib.util.find_spec("quickpoll.sessions") is None, reason="there are no sessions yet"
)
async def test_it_follows_a_session_from_the_lobby_to_its_end(
    built: Path, start_instance: Callable[..., Instance]
) -> None:
    instance, owner = start_instance(), token_hex(12)
    async with a_poll(instance, owner) as (api, poll):
        new = {"title": "Evening", "pollIds": [poll["id"]]}
        made = await api.post("/api/session/create-session", json=new, headers=bearer(owner))
        session = made.json()["id"]
        async with program(built, instance.url, poll["id"], session) as client:
            client.token(sign())
            lobby = await client.until("session")
            assert (lobby["status"], lobby["poll"]) == ("lobby", None)
            step = {"at": 0, "ifVersion": lobby["version"]}
            path = f"/api/session/step-session/{session}"
            await api.post(path, json=step, headers=bearer(owner))
            running = await client.until("session", lambda one: one["status"] == "running")
            assert running["poll"]["question"] == "Which colour?"
            await api.post(f"/api/session/end-session/{session}", headers=bearer(owner))
            ended = await client.until("session", lambda one: one["status"] == "ended")
            assert lobby["version"] < running["version"] < ended["version"]
