"""The operator's commands, as a person types them."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from pydantic import SecretStr
from redis.asyncio import Redis

from quickpoll.counting.keys import Keys
from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from tests.builders import create_poll, option, vote
from tests.checkout import without_env_file
from tests.conftest import bearer, environment, secret, served
from tests.guests import guest_key
from tests.instances import bare_environment
from tests.processes import hear_signals

owner, other = "65f1c0ffee0000000000ca01", "65f1c0ffee0000000000ca02"
nobody = "0" * 24

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def quart(settings: Settings) -> Run:
    """Runs a command on this test's database: in a thread, for it has an event loop of its own."""

    async def run(*arguments: str, **more: Any) -> Result:
        app = create_app(settings.model_copy(update=more))
        runner = app.test_cli_runner()
        return await asyncio.to_thread(runner.invoke, args=list(arguments), prog_name="quart")

    return run


@pytest.fixture
def variables(stores: StoreAddresses, name: str) -> dict[str, str]:
    """The environment of a command in a process of its own."""
    return {**bare_environment(), **environment(stores, name)}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "quart", "--app", "quickpoll", *arguments]


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A service on the same database."""
    async with served(create_app(settings)) as client:
        yield client


def failed(done: Result, status: int, *words: str) -> None:
    """It ended with that status and one line on standard error, which holds these words."""
    assert done.exit_code == status, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


async def all_polls(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/api/poll/get-all-polls?limit=100", headers=bearer(owner))
    found: list[dict[str, Any]] = answer.json()
    return found


async def test_seeding_goes_the_way_of_real_votes(quart: Run, service: httpx.AsyncClient) -> None:
    sizes = ("--polls", "4", "--voters", "20", "--votes", "50", "--likes", "30")

    done = await quart("seed", *sizes, "--user-id", owner.upper())

    assert (done.exit_code, done.stderr) == (0, "")
    assert "4 polls, 50 votes, 30 likes." in done.stdout
    polls = await all_polls(service)
    assert {poll["userId"] for poll in polls} == {owner}
    assert sum(poll["votersCount"] for poll in polls) == 50
    assert sum(poll["counts"]["likes"] for poll in polls) == 30
    for poll in polls:
        assert poll["id"] in done.stdout
        assert sum(poll["counts"][one["id"]] for one in poll["options"]) == poll["votersCount"]
    assert "0 mended" in (await quart("recount")).stdout


async def test_votes_that_are_refused_for_a_moment_are_cast_again(
    quart: Run, service: httpx.AsyncClient
) -> None:
    sizes = ("--polls", "2", "--voters", "30", "--votes", "50", "--likes", "50")

    done = await quart("seed", *sizes, api_vote_queue=20)

    assert done.exit_code == 0, done.stderr
    polls = await all_polls(service)
    assert sum(poll["votersCount"] for poll in polls) == 50
    assert sum(poll["counts"]["likes"] for poll in polls) == 50


async def test_the_same_random_seed_makes_the_same_polls(
    quart: Run, service: httpx.AsyncClient
) -> None:
    found = []
    for seed in ("7", "7", "8"):
        done = await quart(
            "seed", "--polls", "6", "--voters", "9", "--votes", "20", "--random-seed", seed
        )
        assert done.exit_code == 0
        polls = (await all_polls(service))[:6]
        found.append(
            [
                (
                    poll["question"],
                    poll["userId"],
                    [(one["text"], poll["counts"][one["id"]]) for one in poll["options"]],
                )
                for poll in polls
            ]
        )
    assert found[0] == found[1] != found[2]


async def test_only_what_is_asked_for_is_made(quart: Run, service: httpx.AsyncClient) -> None:
    done = await quart("seed")

    assert "5 polls, 0 votes, 0 likes." in done.stdout
    polls = await all_polls(service)
    assert len(polls) == 5
    assert sum(poll["votersCount"] + poll["counts"]["likes"] for poll in polls) == 0


async def test_the_polls_of_a_random_seed_are_the_same_for_any_owner(
    quart: Run, service: httpx.AsyncClient
) -> None:
    for more in ((), ("--user-id", owner), ("--voters", "7", "--likes", "3")):
        assert (await quart("seed", "--random-seed", "7", *more)).exit_code == 0
    polls = [
        (poll["question"], [one["text"] for one in poll["options"]])
        for poll in await all_polls(service)
    ]
    assert polls[:5] == polls[5:10] == polls[10:]


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


async def test_seeding_without_redis(quart: Run, service: httpx.AsyncClient) -> None:
    sizes = ("--polls", "2", "--voters", "5", "--votes", "8", "--likes", "3")

    assert (await quart("seed", *sizes, api_redis_port=1)).exit_code == 0

    polls = await all_polls(service)
    assert sum(poll["votersCount"] for poll in polls) == 8
    assert sum(poll["counts"]["likes"] for poll in polls) == 3


async def test_a_token_is_one_that_the_service_takes(
    quart: Run, service: httpx.AsyncClient
) -> None:
    poll = await create_poll(service, owner)
    path = f"/api/poll/export-poll/{poll['id']}"
    statuses = {}
    for user, *more in ((owner,), (other.upper(),), (other, "--admin", "--ttl", "60")):
        done = await quart("token", "--user-id", user, *more)
        assert (done.exit_code, len(done.stdout.split())) == (0, 1)
        token = {"Authorization": f"Bearer {done.stdout.strip()}"}
        statuses[user, *more] = (await service.get(path, headers=token)).status_code
    assert list(statuses.values()) == [200, 403, 200]


async def test_a_token_has_the_claims_that_are_asked_for(quart: Run, settings: Settings) -> None:
    claims = {
        "jwt_issuer": "https://id.example",
        "jwt_audience": ("polls", "others"),
        "jwt_user_id_claim": "uid",
    }
    done = await quart("token", "--user-id", owner, "--ttl", "60", **claims)
    asked = settings.model_copy(update=claims)
    async with served(create_app(asked)) as client:
        token = {"Authorization": f"Bearer {done.stdout.strip()}"}
        assert (await client.get("/api/poll/get-all-polls", headers=token)).status_code == 200


async def test_without_a_secret_only_the_issuer_signs(quart: Run) -> None:
    elsewhere = {"jwt_secret_key": None, "jwt_jwks_url": "http://127.0.0.1:1/keys"}
    failed(await quart("token", "--user-id", owner, **elsewhere), 1, "JWT_SECRET_KEY")


async def test_recount_prints_and_mends_each_difference(
    quart: Run, settings: Settings, stores: StoreAddresses
) -> None:
    # While the service runs it would mend the count by itself.
    async with served(create_app(settings)) as client:
        poll = await create_poll(client, owner)
        await vote(client, poll, 0, other)
    assert "0 mended" in (await quart("recount")).stdout
    key = Keys(settings.redis_prefix).option(poll["id"], option(poll, 0))
    async with Redis(host=stores.redis_host, port=stores.redis_port) as redis:
        await redis.set(key, 99)

        done = await quart("recount", poll["id"].upper())

        assert done.exit_code == 0, done.stderr
        assert f"{poll['id']} {option(poll, 0)}: 99 in Redis, 1 in MongoDB, mended" in done.stdout
        assert "1 polls counted, 1 mended." in done.stdout
        assert await redis.get(key) == b"1"
    assert "0 mended" in (await quart("recount")).stdout


async def test_export_is_what_the_route_answers(quart: Run, service: httpx.AsyncClient) -> None:
    poll = await create_poll(service, owner, texts=("=1", "b"), results="owner")
    await vote(service, poll, 0, other)
    for kind in ("csv", "json"):
        path = f"/api/poll/export-poll/{poll['id']}?format={kind}"
        answer = await service.get(path, headers=bearer(owner))
        done = await quart("export", poll["id"], "--format", kind)
        assert done.exit_code == 0
        assert done.stdout.split() == answer.text.split()


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


async def test_indexes_are_made_and_listed(quart: Run) -> None:
    for _ in range(2):
        done = await quart("indexes")
        assert (done.exit_code, done.stderr) == (0, "")
        assert "vote.one_ballot: userId 1, pollId 1 unique" in done.stdout
        assert "like.one_like: userId 1, pollId 1 unique" in done.stdout


async def test_settings_show_no_secret(quart: Run, settings: Settings) -> None:
    secrets = {
        "api_redis_password": SecretStr("hidden-redis"),
        "api_metrics_token": SecretStr("hidden-metrics"),
        "api_database_url": SecretStr("mongodb://user:hidden-mongo@127.0.0.1:1/polls"),
    }
    done = await quart("settings", **secrets)

    assert (done.exit_code, done.stderr) == (0, "")
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert set(shown) == {name.upper() for name in Settings.model_fields}
    assert "hidden" not in done.stdout
    assert secret not in done.stdout
    assert "127.0.0.1:1/polls" in shown["API_DATABASE_URL"]
    assert shown["API_RATE_LIMITS"] == "off"
