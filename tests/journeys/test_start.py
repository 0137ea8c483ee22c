"""``make run``: the first start, the next ones, and every way that one can end."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from bson import ObjectId

from quickpoll.localrun.child_process import until
from quickpoll.localrun.way_in import lan_address
from quickpoll.web.qr import svg
from tests.checkout import root
from tests.instances import free_port
from tests.journeys.launched import Launched, gone
from tests.processes import children_of

Launch = Callable[..., Launched]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Starts the service in this test's folder; all end with the test."""
    started: list[Launched] = []

    def start(**more: Any) -> Launched:
        started.append(Launched(tmp_path, **more))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def already_seeded(tmp_path: Path) -> None:
    """A folder in which demo polls were made before."""
    (tmp_path / ".quickpoll").mkdir()
    (tmp_path / ".quickpoll" / "seeded").touch()


def polls_of(run: Launched, token: str | None = None) -> list[dict[str, Any]]:
    answer = run.ask("GET", "get-all-polls?limit=100", token)
    assert answer.status_code == 200, answer.text
    polls: list[dict[str, Any]] = answer.json()
    return polls


def vote(run: Launched, poll: dict[str, Any], token: str) -> int:
    path = f"vote-on-poll/{poll['id']}/{poll['options'][0]['id']}"
    return run.ask("POST", path, token).status_code


def test_first_start_says_everything_and_the_data_outlives_every_end(launch: Launch) -> None:
    first = launch().up()
    token = first.token
    assert "Seeding demo polls (first start)" in first.said
    assert f"{first.url}/polls" in first.said
    assert f"{first.url}/docs" in first.said
    assert f"\n{first.url}/polls#token={token}\n" in first.said
    polls = polls_of(first)
    assert len(polls) == 6
    assert sum(poll["votesCount"] for poll in polls) >= 900
    assert {poll["userId"] for poll in polls} == {jwt_subject(token)}
    assert vote(first, polls[0], token) == 201
    leads_to_a_session(first)

    for last, farewell in ((first, signal.SIGINT), (None, signal.SIGTERM), (None, signal.SIGKILL)):
        run = last or launch().up()
        assert vote(run, polls[0], token) in (200, 201)
        family = run.family()
        assert len(family) == 3
        status = run.end(farewell)
        assert status == (-farewell if farewell is signal.SIGKILL else 0), run.said
        assert gone(family)

    again = launch().up()
    assert "Seeding" not in again.said
    assert vote(again, polls[0], token) == 200  # the same vote: it is there
    assert [poll["id"] for poll in polls_of(again)] == [poll["id"] for poll in polls]


def leads_to_a_session(run: Launched) -> None:
    """The code that a run prints leads to a session of all demo polls."""
    (code,) = re.findall(r"Code\s+([2-9A-Z]{6})\n", run.said)
    answer = httpx.get(f"{run.url}/j/{code}", timeout=10)
    assert answer.status_code == 302
    assert f"{run.url}{answer.headers['Location']}/present" in run.said
    path = answer.headers["Location"].replace("/sessions/", "/api/session/get-session/")
    headers = {"Authorization": f"Bearer {run.token}"}
    session = httpx.get(f"{run.url}{path}", headers=headers, timeout=10).json()
    assert (session["status"], len(session["pollIds"])) == ("lobby", 6)


@pytest.mark.usefixtures("already_seeded")
@pytest.mark.skipif(lan_address() is None, reason="needs a network that is not the loopback")
def test_a_run_for_the_local_network_leads_phones_there(launch: Launch) -> None:
    port = free_port()
    everywhere = ["-m", "quickpoll", "--port", str(port), "--host", "0.0.0.0"]  # noqa: S104
    run = launch(port=port, command=[sys.executable, *everywhere]).up()
    phones = f"http://{lan_address()}:{port}"
    assert f"Phones      {phones}/j\n" in run.said
    assert httpx.get(f"{phones}/j", timeout=10).status_code == 200
    new = {"question": "Q?", "options": [{"text": "a"}, {"text": "b"}]}
    poll = run.ask("POST", "create-poll", json=new).json()["id"]
    shared = run.ask("POST", f"share-poll/{poll}").json()
    assert shared["address"] == f"{phones}/j/{shared['code']}"
    page = httpx.get(f"{run.url}/polls/{poll}", timeout=10)
    assert f'data-origin="{phones}"' in page.text
    codes = [
        httpx.get(f"{origin}/polls/{poll}/qr.svg", params={"origin": origin}, timeout=10).content
        for origin in (run.url, phones)
    ]
    assert codes[0] == codes[1] == svg(f"{phones}/polls/{poll}")


def jwt_subject(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return str(claims["sub"])


@pytest.mark.usefixtures("already_seeded")
def test_what_lies_in_the_folder_is_private(launch: Launch, tmp_path: Path) -> None:
    launch().up()
    folder = tmp_path / ".quickpoll"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("jwt-secret", "run.json", "redis.conf"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


@pytest.mark.usefixtures("already_seeded")
def test_second_run_is_refused_and_commands_find_the_first(launch: Launch) -> None:
    first = launch().up()

    second = launch()
    assert second.wait() == 1
    assert second.said.startswith("QuickPoll is already running in")
    assert first.url in second.said
    assert second.said.count("\n") == 1

    made = first.command("seed", "--polls", "1", "--voters", "9", "--votes", "7", "--likes", "3")
    assert made.returncode == 0, made.stderr
    token = first.command("token", "--user-id", str(ObjectId())).stdout.strip()
    (poll,) = polls_of(first, token)
    assert (poll["votesCount"], poll["counts"]["likes"]) == (7, 3)


@pytest.mark.usefixtures("already_seeded")
def test_its_stores_are_left_alone_by_a_dead_runs_record(launch: Launch, tmp_path: Path) -> None:
    run = launch().up()
    run.end(signal.SIGKILL)
    assert (tmp_path / ".quickpoll" / "run.json").exists()
    answer = run.command("settings")
    assert answer.returncode == 2
    assert "API_DATABASE_URL" in answer.stderr


def test_a_taken_port_is_one_line_before_anything_starts(launch: Launch, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = launch(port=port)
        assert run.wait() == 1
    assert run.said.startswith(f"Port {port} of 127.0.0.1 is taken by another program")
    assert run.said.count("\n") == 1
    assert not (tmp_path / ".quickpoll" / "mongo").exists()


@pytest.mark.usefixtures("already_seeded")
def test_settings_in_a_file_are_heard_and_stores_named_there_are_not_used(
    launch: Launch, tmp_path: Path
) -> None:
    secret = "the secret of this folder, from its .env"
    lines = [
        "API_DATABASE_URL=mongodb://nowhere.invalid/elsewhere",
        "API_REDIS_HOST=nowhere.invalid",
        f"JWT_SECRET_KEY={secret}",
    ]
    (tmp_path / ".env").write_text("\n".join(lines))
    run = launch().up()
    assert "API_DATABASE_URL is not used here" in run.said
    assert jwt.decode(run.token, secret, ["HS256"])
    assert polls_of(run) == []


@pytest.mark.usefixtures("already_seeded")
def test_commands_sign_with_the_secret_that_the_run_uses(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / ".quickpoll" / "jwt-secret").write_text(
        "of an earlier run, and longer than 32 bytes"
    )
    (tmp_path / ".env").write_text("JWT_SECRET_KEY=of this run, from its .env, 32 bytes or more")
    run = launch().up()
    token = run.command("token", "--user-id", str(ObjectId())).stdout.strip()
    assert polls_of(run, token) == []


def test_a_bad_setting_is_one_line_before_anything_starts(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_RATE_LIMITS=perhaps\n")
    run = launch()
    assert run.wait() == 1
    assert run.said.startswith("QuickPoll cannot start: API_RATE_LIMITS: ")
    assert run.said.count("\n") == 1
    assert not (tmp_path / ".quickpoll" / "mongo").exists()


def test_a_folder_that_is_none_is_one_line(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / ".quickpoll").write_text("a file")
    run = launch()
    assert run.wait() == 1
    assert run.said.startswith(f"{tmp_path / '.quickpoll'} cannot be used: ")
    assert run.said.count("\n") == 1


def test_demo_polls_are_seeded_once_though_interrupted(launch: Launch, tmp_path: Path) -> None:
    first = launch()
    log = tmp_path / ".quickpoll" / "seed.log"
    assert until(lambda: log.exists() and "Votes" in log.read_text(), 60)
    family = first.family()
    first.end(signal.SIGKILL)
    assert gone(family)

    second = launch().up()
    assert "Seeding demo polls (first start)" in second.said
    assert len(polls_of(second)) == 6


def test_told_to_stop_while_its_stores_start_it_leaves_nothing(launch: Launch) -> None:
    run = launch()
    run.read_until("Starting the embedded stores")
    assert until(lambda: bool(children_of(run.process.pid)), 20)
    family = [run.process.pid, *children_of(run.process.pid)]
    assert run.end(signal.SIGINT) == 0
    assert "Traceback" not in run.said
    assert gone(family)


@pytest.mark.usefixtures("already_seeded")
@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(
    ("farewell", "group"),
    [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGKILL, False)],
)
def test_make_run_ends_with_everything_it_started(
    launch: Launch, tmp_path: Path, farewell: signal.Signals, group: bool
) -> None:
    for name in (".venv", "pyproject.toml", "requirements"):
        (tmp_path / name).symlink_to(root / name)
    port = free_port()
    # What is installed is as it is: setting it up is not what this test is about.
    make = ["make", "-f", str(root / "Makefile"), "--old-file=.venv/.installed"]
    run = launch(port=port, command=[*make, "run", f"PORT={port}"]).up()
    family = run.family()
    assert run.process.pid not in family
    run.end(farewell, group=group)
    assert gone(family)


def test_help_lists_every_target_for_people() -> None:
    said = subprocess.run(
        ["make", "-C", str(root), "--no-print-directory"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = [line.split()[1] for line in said.splitlines()]
    assert {"setup", "run", "test", "check"} <= set(listed)
