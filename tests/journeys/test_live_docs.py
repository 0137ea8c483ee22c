"""The examples of docs/realtime.md, run as they are printed, over a restart of the service."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from tests.builders import create_poll, vote
from tests.conftest import Instance, root, sign
from tests.journeys.js_screen import folder, require_node

document = (root / "docs" / "realtime.md").read_text("utf-8")

driver = """
import { follow } from "./follow.mjs";
const [url, token, pollId] = process.argv.slice(2);
follow(url, async () => token, pollId, (state) =>
  console.log(state.votersCount, JSON.stringify(state.counts)));
"""


def example(language: str) -> str:
    """The document's one block in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    return str(found)


def in_python(place: Path) -> list[str]:
    """The command that runs the Python example."""
    (place / "follow.py").write_text(example("python"))
    return [sys.executable, str(place / "follow.py")]


def in_javascript(place: Path) -> list[str]:
    """The command that runs the browser's example."""
    require_node()
    (place / "follow.mjs").write_text(example("js"))
    (place / "driver.mjs").write_text(driver)
    (place / "node_modules").symlink_to(folder / "node_modules")
    return ["node", str(place / "driver.mjs")]


@contextmanager
def running(command: list[str]) -> Iterator[Iterator[str]]:
    """The lines that a command prints."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        process.communicate()


def read_until(lines: Iterator[str], voters: int) -> list[int]:
    """The numbers of voters shown until that one is."""
    shown: list[int] = []
    while not shown or shown[-1] != voters:
        shown.append(int(next(lines).split()[0]))
    return shown


@pytest.mark.parametrize(
    "make_command",
    [in_python, pytest.param(in_javascript, marks=pytest.mark.node)],
    ids=["python", "javascript"],
)
async def test_the_examples_survive_a_restart(
    make_command: Callable[[Path], list[str]],
    start_instance: Callable[..., Instance],
    http: Callable[[str], httpx.AsyncClient],
    tmp_path: Path,
) -> None:
    command = make_command(tmp_path)
    instance = start_instance()
    rest = http(instance.url)
    poll = await create_poll(rest, token_hex(12))
    with running([*command, instance.url, sign(), poll["id"]]) as lines:
        assert read_until(lines, 0) == [0]
        await vote(rest, poll, 0, token_hex(12))
        shown = read_until(lines, 1)
        instance.stop()
        instance.start()
        again = http(instance.url)
        await vote(again, poll, 0, token_hex(12))
        shown += read_until(lines, 2)
        await vote(again, poll, 1, token_hex(12))
        shown += read_until(lines, 3)
    assert shown == sorted(shown)


def test_the_document_names_every_event() -> None:
    for name in ("subscribe", "unsubscribe", "vote-update", "like-update", "poll-update"):
        assert f"| `{name}` |" in document
    assert "session-ended" in document
    assert json.dumps("<optionId>") in document
