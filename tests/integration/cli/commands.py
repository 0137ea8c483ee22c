"""The operator's commands, as a person types them: how they run, and what they say."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from click.testing import Result

from tests.conftest import bearer

owner, other = "65f1c0ffee0000000000ca01", "65f1c0ffee0000000000ca02"
nobody = "0" * 24

Run = Callable[..., Awaitable[Result]]


def command(*arguments: str) -> list[str]:
    """The command line of one of them."""
    return [sys.executable, "-m", "quart", "--app", "quickpoll", *arguments]


def failed(done: Result, status: int, *words: str) -> None:
    """It ended with that status and one line on standard error, which holds these words."""
    assert done.exit_code == status, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


async def all_polls(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The polls that the service lists."""
    answer = await client.get("/api/poll/get-all-polls?limit=100", headers=bearer(owner))
    found: list[dict[str, Any]] = answer.json()
    return found
