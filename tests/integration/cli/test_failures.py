"""What a command cannot do it says in one line, with a status."""

from __future__ import annotations

import subprocess

import httpx
import pytest
from pydantic import SecretStr

from tests.builders import create_poll
from tests.checkout import without_env_file
from tests.integration.cli.commands import Run, command, failed, nobody, owner


async def test_a_fault_of_ours_is_one_line_too(
    quart: Run, service: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = await create_poll(service, owner)
    # A terminal whose size makes no sense, which nobody has foreseen.
    monkeypatch.setattr("shutil.get_terminal_size", lambda: 1 / 0)
    failed(await quart("watch", poll["id"], "--once"), 1, "A fault of ours, ZeroDivisionError")
    shown = await quart("watch", poll["id"], "--once", log_level="DEBUG")
    assert isinstance(shown.exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("seed", "--polls", "-1"), ("--polls",)),
        (("seed", "--polls", "x"), ("--polls",)),
        (("seed", "--votes", "-1"), ("--votes",)),
        (("seed", "--polls", "2", "--voters", "3", "--votes", "7"), ("--votes 7", "6")),
        (("seed", "--polls", "2", "--voters", "3", "--likes", "7"), ("--likes 7", "6")),
        (("seed", "--user-id", "x"), ("--user-id", "hexadecimal")),
        (("seed", "--file", "/nowhere/polls.json"), ("/nowhere/polls.json",)),
        (("seed", "--colour", "red"), ("--colour",)),
        (("token",), ("--user-id",)),
        (("token", "--user-id", "x"), ("--user-id", "hexadecimal")),
        (("token", "--user-id", owner, "--ttl", "0"), ("--ttl",)),
        (("token", "--user-id", owner, "--ttl", "9" * 20), ("--ttl",)),
        (("recount", "x"), ("hexadecimal",)),
        (("watch",), ("POLL_ID",)),
        (("watch", "x"), ("hexadecimal",)),
        (("export", "x"), ("hexadecimal",)),
        (("export", owner, "--format", "xml"), ("--format", "csv")),
    ],
)
async def test_what_makes_no_sense_is_said_in_one_line(
    quart: Run, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    failed(await quart(*arguments), 2, *words)


@pytest.mark.parametrize(
    "arguments",
    [("recount", nobody), ("watch", nobody), ("watch", nobody, "--once"), ("export", nobody)],
)
async def test_a_poll_that_there_is_not(quart: Run, arguments: tuple[str, ...]) -> None:
    failed(await quart(*arguments), 1, "no")


@pytest.mark.parametrize("arguments", [("indexes",), ("seed", "--polls", "1"), ("recount",)])
async def test_mongodb_away(quart: Run, arguments: tuple[str, ...]) -> None:
    away = SecretStr("mongodb://127.0.0.1:1/quickpoll?serverSelectionTimeoutMS=50")
    failed(await quart(*arguments, api_database_url=away), 1, "MongoDB", "API_DATABASE_URL")


async def test_redis_away(quart: Run, service: httpx.AsyncClient) -> None:
    await create_poll(service, owner)
    failed(await quart("recount", api_redis_port=1), 1, "Redis", "API_REDIS_PORT")


@pytest.mark.parametrize("arguments", [("settings",), ("seed", "--polls", "1"), ("run",)])
def test_missing_settings(variables: dict[str, str], arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        command(*arguments),
        cwd=without_env_file,
        env={**variables, "JWT_SECRET_KEY": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "JWT_SECRET_KEY" in line
    assert "Example: JWT_SECRET_KEY=" in line
