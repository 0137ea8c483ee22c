"""The examples of docs/realtime.md and of the README, run as they are printed, and each trouble
that they have to live through: a restart, an acknowledgement that never comes, a token service
that is down, a token that expires, a poll that is closed."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from tests.builders import create_poll, vote
from tests.checkout import root
from tests.conftest import bearer, sign
from tests.instances import Instance
from tests.journeys.cutting import CuttingWire
from tests.journeys.js_screen import folder, require_node

document = (root / "docs" / "realtime.md").read_text("utf-8")
readme = (root / "README.md").read_text("utf-8")

driver = """
import { follow } from "./follow.mjs";
const [url, pollId, ...tokens] = process.argv.slice(2);
let asked = 0;
const getToken = async () => {
  console.log("asked", ++asked);
  const token = tokens.length > 1 ? tokens.shift() : tokens[0]; // the last one stays
  if (token === "down") throw new Error("the token service is down");
  return token;
};
follow(url, getToken, pollId, (state) =>
  console.log(state.votersCount ?? "hidden", JSON.stringify(state)));
"""

Start = Callable[..., Instance]
Connect = Callable[[str], httpx.AsyncClient]


def example(language: str, text: str = document) -> str:
    """The document's one block in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(found)


def in_python(place: Path, url: str, poll_id: str, token: str) -> list[str]:
    """The command that runs the Python example."""
    (place / "follow.py").write_text(example("python"))
    return [sys.executable, str(place / "follow.py"), url, token, poll_id]


def in_javascript(place: Path, url: str, poll_id: str, *tokens: str) -> list[str]:
    """The command that runs the browser's example, with these tokens one after another."""
    _with_node_modules(place)
    (place / "follow.mjs").write_text(example("js"))
    (place / "driver.mjs").write_text(driver)
    return ["node", str(place / "driver.mjs"), url, poll_id, *tokens]


def as_in_the_readme(place: Path, url: str, poll_id: str, token: str) -> list[str]:
    """The command that runs the README's script."""
    _with_node_modules(place)
    script = example("js", readme)
    assert "http://127.0.0.1:8001" in script
    (place / "watch.mjs").write_text(script.replace("http://127.0.0.1:8001", url))
    return ["node", str(place / "watch.mjs"), token, poll_id]


def _with_node_modules(place: Path) -> None:
    require_node()
    (place / "node_modules").symlink_to(folder / "node_modules")


class Script:
    """A script that runs, and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self, pattern: str = r"(\d+|hidden) ") -> str:
        """The next line that begins so: with a number of voters, unless told otherwise."""
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            while line := (await self.process.stdout.readline()).decode():
                if re.match(pattern, line):
                    return line
        raise AssertionError(await self.end())

    async def until_voters(self, voters: int) -> list[int]:
        """The numbers of voters shown until that one is."""
        shown: list[int] = []
        while not shown or shown[-1] != voters:
            shown.append(int((await self.line()).split()[0]))
        return shown

    async def until_status(self, status: str) -> str:
        """The first line that shows this status."""
        while not re.search(rf"""["']status["']: ?["']{status}["']""", line := await self.line()):
            continue
        return line

    async def end(self) -> tuple[int | None, str]:
        """Its exit status, and what it said on standard error, once it has ended by itself."""
        async with asyncio.timeout(30):
            _, said = await self.process.communicate()
        return self.process.returncode, said.decode()


@asynccontextmanager
async def running(command: list[str]) -> AsyncIterator[Script]:
    """A command that runs, and is ended."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield Script(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


in_node = pytest.mark.node
both = pytest.mark.parametrize(
    "command",
    [in_python, pytest.param(in_javascript, marks=in_node)],
    ids=["python", "javascript"],
)
all_three = pytest.mark.parametrize(
    "command",
    [
        in_python,
        pytest.param(in_javascript, marks=in_node),
        pytest.param(as_in_the_readme, marks=in_node),
    ],
    ids=["python", "javascript", "readme"],
)


@all_three
async def test_the_examples_survive_a_restart(
    command: Callable[..., list[str]], start_instance: Start, http: Connect, tmp_path: Path
) -> None:
    instance = start_instance()
    rest = http(instance.url)
    poll = await create_poll(rest, token_hex(12))
    async with running(command(tmp_path, instance.url, poll["id"], sign())) as script:
        assert await script.until_voters(0) == [0]
        await vote(rest, poll, 0, token_hex(12))
        shown = await script.until_voters(1)
        instance.stop()
        instance.start()
        again = http(instance.url)
        await vote(again, poll, 0, token_hex(12))
        shown += await script.until_voters(2)
        await vote(again, poll, 1, token_hex(12))
        shown += await script.until_voters(3)
    assert shown == sorted(shown)


@all_three
async def test_an_acknowledgement_that_is_cut_off_harms_nobody(
    command: Callable[..., list[str]], start_instance: Start, http: Connect, tmp_path: Path
) -> None:
    instance = start_instance()
    rest = http(instance.url)
    poll = await create_poll(rest, token_hex(12))
    async with (
        CuttingWire(instance.port).listening() as wire,
        running(command(tmp_path, wire.url, poll["id"], sign())) as script,
    ):
        assert await script.until_voters(0) == [0]
        assert wire.cuts == 1
        await vote(rest, poll, 0, token_hex(12))
        await script.until_voters(1)


@both
async def test_the_status_follows_the_poll(
    command: Callable[..., list[str]], start_instance: Start, http: Connect, tmp_path: Path
) -> None:
    instance = start_instance()
    rest, owner = http(instance.url), token_hex(12)
    poll = await create_poll(rest, owner)

    async def manage(method: str, what: str, **more: Any) -> None:
        path = f"/api/poll/{what}/{poll['id']}"
        answer = await rest.request(method, path, headers=bearer(owner), **more)
        assert answer.is_success, answer.text

    async with running(command(tmp_path, instance.url, poll["id"], sign())) as script:
        await script.until_status("open")
        await vote(rest, poll, 0, token_hex(12))
        await script.until_voters(1)
        for change, status in (("close", "closed"), ("reopen", "open"), ("close", "closed")):
            await manage("POST", f"{change}-poll")
            assert (await script.until_status(status)).startswith("1 ")
        await manage("DELETE", "delete-poll")
        await script.until_status("deleted")
        if command is in_python:
            assert await script.end() == (0, "")


@both
async def test_results_that_are_hidden_are_shown_from_the_close_on(
    command: Callable[..., list[str]], start_instance: Start, http: Connect, tmp_path: Path
) -> None:
    instance = start_instance()
    rest, owner = http(instance.url), token_hex(12)
    poll = await create_poll(rest, owner, results="after_close")
    await vote(rest, poll, 0, token_hex(12))
    async with running(command(tmp_path, instance.url, poll["id"], sign())) as script:
        assert (await script.line()).startswith("hidden ")
        await rest.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
        while (line := await script.line()).startswith("hidden "):
            continue
    assert line.startswith("1 ")
    assert re.search(r"""["']resultsHidden["']: ?[Ff]alse""", line)
    assert re.search(r"""["']status["']: ?["']closed["']""", line)


@in_node
async def test_a_token_service_that_is_down_is_asked_again(
    start_instance: Start, http: Connect, tmp_path: Path
) -> None:
    instance = start_instance()
    poll = await create_poll(http(instance.url), token_hex(12))
    command = in_javascript(tmp_path, instance.url, poll["id"], "down", "down", sign())
    async with running(command) as script:
        assert await script.until_voters(0) == [0]


@in_node
async def test_a_new_token_is_asked_for_when_one_has_expired(
    start_instance: Start, http: Connect, tmp_path: Path
) -> None:
    instance = start_instance()
    rest = http(instance.url)
    poll = await create_poll(rest, token_hex(12))
    tokens = (sign(seconds=3), "down", sign())
    async with running(in_javascript(tmp_path, instance.url, poll["id"], *tokens)) as script:
        await script.until_voters(0)
        await vote(rest, poll, 0, token_hex(12))
        await script.until_voters(1)
        await script.line("asked 3")
        await vote(rest, poll, 0, token_hex(12))
        await script.until_voters(2)


no_longer_good = pytest.mark.parametrize(
    ("seconds", "said"), [(3, "expired"), (-1, "expired")], ids=["later", "at once"]
)


@pytest.mark.parametrize(
    "command",
    [in_python, pytest.param(as_in_the_readme, marks=in_node)],
    ids=["python", "readme"],
)
@no_longer_good
async def test_without_a_new_token_an_example_ends_and_says_why(
    command: Callable[..., list[str]],
    seconds: int,
    said: str,
    start_instance: Start,
    http: Connect,
    tmp_path: Path,
) -> None:
    instance = start_instance()
    poll = await create_poll(http(instance.url), token_hex(12))
    token = sign(seconds=seconds)
    async with running(command(tmp_path, instance.url, poll["id"], token)) as script:
        status, words = await script.end()
    assert status == 1
    assert words.count("\n") == 1
    assert said in words


def test_the_document_names_every_event() -> None:
    for name in ("subscribe", "unsubscribe", "vote-update", "like-update", "poll-update"):
        assert f"| `{name}` |" in document
    assert "session-ended" in document
    assert json.dumps("<optionId>") in document
