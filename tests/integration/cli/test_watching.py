"""`quart watch`: once, and until it or its poll ends."""

from __future__ import annotations

import re
import signal
import subprocess

import httpx

from tests.builders import create_poll, vote
from tests.checkout import without_env_file
from tests.conftest import bearer
from tests.integration.cli.commands import Run, command, other, owner
from tests.processes import hear_signals


async def test_watch_once(quart: Run, service: httpx.AsyncClient) -> None:
    poll = await create_poll(service, owner, results="owner")
    await vote(service, poll, 1, other)

    done = await quart("watch", poll["id"], "--once")

    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == poll["question"]
    assert re.search(r"green +1 +100\.0% █+", done.stdout)
    assert re.search(r"red +0 +0\.0% *$", done.stdout, re.MULTILINE)
    assert lines[-1] == "1 voters, 0 likes, open"


async def test_watch_follows_until_ctrl_c(
    variables: dict[str, str], service: httpx.AsyncClient
) -> None:
    poll = await create_poll(service, owner)
    watching = Watching(variables, poll["id"])

    assert "0 voters, 0 likes, open" in watching.until("voters")
    await vote(service, poll, 1, other)
    assert "1 voters" in watching.until("1 voters")
    await service.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    assert watching.until("closed")
    assert watching.end(signal.SIGINT) == (0, "")


async def test_watch_ends_with_its_poll(
    variables: dict[str, str], service: httpx.AsyncClient
) -> None:
    poll = await create_poll(service, owner)
    watching = Watching(variables, poll["id"])
    watching.until("voters")

    await service.delete(f"/api/poll/delete-poll/{poll['id']}", headers=bearer(owner))

    assert watching.end() == (1, "Error: The poll was deleted.\n")


class Watching:
    """``watch`` in a process of its own."""

    def __init__(self, variables: dict[str, str], poll_id: str) -> None:
        self._process = subprocess.Popen(
            command("watch", poll_id),
            cwd=without_env_file,
            env={**variables, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_signals,
        )

    def until(self, word: str) -> str:
        """The next line with that word."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if word in line:
                return line
        raise AssertionError("it ended")

    def end(self, number: signal.Signals | None = None) -> tuple[int, str]:
        """Its exit status and what it said on standard error."""
        if number is not None:
            self._process.send_signal(number)
        _, said = self._process.communicate(timeout=30)
        return self._process.returncode, said
