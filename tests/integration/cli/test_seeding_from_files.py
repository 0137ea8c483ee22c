"""`quart seed --file`: polls from a file, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tests.conftest import bearer
from tests.guests import guest_key
from tests.integration.cli.commands import Run, all_polls, failed, owner

full: dict[str, Any] = {
    "question": " Æ? ",
    "options": [{"text": "a"}, {"text": "b"}, {"text": "c"}],
    "minChoices": 2,
    "maxChoices": 3,
    "closesAt": "2099-01-01T00:00:00Z",
    "results": "after_close",
    "allowVoteChange": True,
    "visibility": "unlisted",
}
plain: dict[str, Any] = {"question": "B?", "options": [{"text": "x"}, {"text": "y"}]}


@pytest.fixture
def two_polls(tmp_path: Path) -> str:
    """A file of two polls, as an editor under Windows writes it."""
    file = tmp_path / "polls.json"
    file.write_text(json.dumps([full, plain]), "utf-8-sig")
    return str(file)


async def test_polls_from_a_file(quart: Run, service: httpx.AsyncClient, two_polls: str) -> None:
    sizes = ("--voters", "10", "--votes", "20", "--likes", "5")

    done = await quart("seed", "--file", two_polls, "--user-id", owner, *sizes)

    assert done.exit_code == 0, done.stderr
    assert "2 polls, 20 votes, 5 likes." in done.stdout
    path = f"/api/poll/get-poll-by-user-id/{owner}"
    second, first = (await service.get(path, headers=bearer(owner))).json()
    expected = {**full, "question": "Æ?", "closesAt": "2099-01-01T00:00:00.000Z"}
    expected.pop("options")
    assert {name: first[name] for name in expected} == expected
    assert (first["votersCount"], second["votersCount"]) == (10, 10)
    assert 20 <= first["votesCount"] <= 30


async def test_polls_from_a_file_and_nothing_else(
    quart: Run, service: httpx.AsyncClient, two_polls: str
) -> None:
    done = await quart("seed", "--file", two_polls, "--user-id", owner)

    assert "2 polls, 0 votes, 0 likes." in done.stdout
    path = f"/api/poll/get-poll-by-user-id/{owner}"
    polls = (await service.get(path, headers=bearer(owner))).json()
    assert [(poll["votersCount"], poll["counts"]["likes"]) for poll in polls] == [(0, 0), (0, 0)]


@pytest.mark.parametrize(
    ("more", "words"),
    [((), ("--file", "--user-id")), (("--user-id", owner, "--polls", "3"), ("--file", "--polls"))],
)
async def test_whose_polls_and_which(
    quart: Run, two_polls: str, more: tuple[str, ...], words: tuple[str, ...]
) -> None:
    away = SecretStr("mongodb://127.0.0.1:1/quickpoll")  # told before any store is asked
    failed(await quart("seed", "--file", two_polls, *more, api_database_url=away), 2, *words)


async def test_polls_from_a_file_are_what_the_service_offers(quart: Run, tmp_path: Path) -> None:
    file = tmp_path / "polls.json"
    file.write_text(json.dumps([plain, {**plain, "guests": "open"}]))
    asked = ("seed", "--file", str(file), "--user-id", owner)
    failed(await quart(*asked), 1, "Poll 2: guests:", "no guests")
    on = {"api_guests": "on", "api_guest_key": SecretStr(guest_key)}
    assert "2 polls" in (await quart(*asked, **on)).stdout


bad_files: dict[str, tuple[Any, tuple[str, ...]]] = {
    "no json": ('[\n{"question": }]', ("it is not JSON, at line 2, column 14",)),
    "no number": ('[{"question": NaN}]', ("it is not JSON",)),
    "no list": ('{"question": "a"}', ("list",)),
    "deep": ("[" * 100_000, ("JSON",)),
    "not text": ("\udcff", ("UTF-8",)),
    "no poll": ([plain, 7], (": poll 2: ",)),
    "missing": ([{"question": "Why?"}], (': poll 1 ("Why?"): options: ',)),
    "unknown": ([plain, {**plain, "min_choices": 1}], (': poll 2 ("B?"): min_choices: ',)),
    "deep inside": (
        [{**plain, "options": [{"text": "x"}, {"text": ""}]}],
        (': poll 1 ("B?"): options.1.text: ',),
    ),
    "past": (
        [plain, {**plain, "closesAt": "2020-01-01T00:00:00Z"}],
        (': poll 2 ("B?"): closesAt: ', "future"),
    ),
    "in several lines": ([{"question": "a\nb\x1b[31m"}], (r'poll 1 ("a\nb\u001b[31m"): ',)),
    "long": ([{"question": "x" * 501}], (f'poll 1 ("{"x" * 60}…"): ',)),
}


@pytest.mark.parametrize("case", bad_files.values(), ids=bad_files.keys())
async def test_a_bad_file(
    quart: Run, service: httpx.AsyncClient, tmp_path: Path, case: tuple[Any, tuple[str, ...]]
) -> None:
    content, words = case
    text = content if isinstance(content, str) else json.dumps(content)
    file = tmp_path / "polls.json"
    file.write_text(text, "utf-8", errors="surrogateescape")
    done = await quart("seed", "--file", str(file), "--user-id", owner)
    failed(done, 1, "polls.json", *words)
    assert await all_polls(service) == []
