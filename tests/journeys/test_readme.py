"""The README's blocks, run as they are printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.checkout import root
from tests.instances import bare_environment
from tests.journeys.launched import Launched

readme = (root / "README.md").read_text("utf-8")
modules = root / "tests" / "js" / "node_modules"
needs_node = pytest.mark.skipif(
    os.environ.get("CI") != "true" and not (shutil.which("node") and modules.is_dir()),
    reason="needs Node.js and npm ci --prefix tests/js",
)


def blocks(language: str) -> list[str]:
    """The README's blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """What ``make run`` starts, in a folder that looks like a clone after its setup."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "node_modules").symlink_to(modules)
    started = Launched(folder).up()
    yield started
    started.close()


class Shell:
    """A shell that a person types the README's lines into, one block after another."""

    def __init__(self, run: Launched) -> None:
        self._run = run
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=run.folder,
            env=bare_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, text: str) -> str:
        """What is printed while these lines run."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        printed = text.replace("http://127.0.0.1:8001", self._run.url)
        self._shell.stdin.write(f"{printed}\necho; echo end-of-block\n")
        self._shell.stdin.flush()
        return "".join(iter(self._shell.stdout.readline, "end-of-block\n"))

    def close(self) -> None:
        """Leave it."""
        self._shell.communicate(timeout=10)


@pytest.fixture
def shell(run: Launched) -> Iterator[Shell]:
    """A shell in the folder of the run."""
    opened = Shell(run)
    yield opened
    opened.close()


def test_the_shell_block_does_what_it_says(shell: Shell) -> None:
    first, *_ = blocks("bash")
    said = shell.type(first)
    assert '"code":"already_voted"' in said
    assert '"liked":true' in said
    assert '"question": "Tea or coffee?"' in said
    assert '"votersCount": 1' in said
    assert '"userHasLiked": true' in said


@needs_node
@pytest.mark.node
def test_the_script_shows_a_vote_as_it_is_cast(shell: Shell, run: Launched) -> None:
    (script,) = blocks("js")
    (command,) = re.findall(r"`(node watch\.mjs .*?)`", readme)
    (run.folder / "watch.mjs").write_text(script.replace("http://127.0.0.1:8001", run.url))
    first, second = blocks("bash")
    shell.type(first)
    token, poll_id = shell.type('echo "$TOKEN" "$POLL_ID"').split()
    with subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=run.folder,
        env={**bare_environment(), "TOKEN": token, "POLL_ID": poll_id},
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        try:
            assert watching.stdout is not None
            assert read_until(watching.stdout, "1 voters")
            shell.type(second)
            assert read_until(watching.stdout, "2 voters")
        finally:
            watching.kill()


def read_until(lines: Iterator[str], words: str) -> bool:
    return any(line.startswith(words) for line in lines)
