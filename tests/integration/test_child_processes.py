"""The stores' processes never outlive us, whatever ends us, and know no secret of ours."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from quickpoll.localrun import child_exec
from quickpoll.localrun.child_process import LOOPBACK, ChildProcess, free_port, until
from quickpoll.localrun.embedded import EmbeddedMongo, EmbeddedRedis
from tests.integration.embedded_harness import DURABLE, votes
from tests.processes import exists, hear_signals, of_session

PARENT = """
import sys, time
from pathlib import Path
from quickpoll.localrun.embedded import EmbeddedStores
stores = EmbeddedStores(Path(sys.argv[1]))
addresses = stores.start()
print(stores.mongo.pid, stores.redis.pid, addresses.database_url, flush=True)
time.sleep(60)
"""


def start_parent(directory: Path) -> tuple[subprocess.Popen[str], list[int], str]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_signals,
    )
    assert parent.stdout is not None
    mongo_pid, redis_pid, url = parent.stdout.readline().split()
    parent.stdout.close()
    return parent, [int(mongo_pid), int(redis_pid)], url


@pytest.mark.parametrize("farewell", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_children_die_with_the_parent_and_data_stays(
    tmp_path: Path, farewell: signal.Signals
) -> None:
    parent, children, url = start_parent(tmp_path)
    with MongoClient[dict[str, Any]](url) as client:
        collection = client.quickpoll.get_collection("votes", write_concern=DURABLE)
        collection.insert_many([{"n": n} for n in range(100)])
    os.killpg(parent.pid, farewell)
    parent.wait(5)
    assert until(lambda: not any(map(exists, children)), 3)
    with EmbeddedMongo(tmp_path) as again, votes(again) as client:
        assert client.quickpoll.votes.count_documents({}) == 100


def test_paused_children_die_with_the_parent(tmp_path: Path) -> None:
    parent, children, _ = start_parent(tmp_path)
    for child in children:
        os.kill(child, signal.SIGSTOP)
    parent.kill()
    parent.wait(5)
    assert until(lambda: not any(map(exists, children)), 3)


def test_secrets_of_the_service_stay_with_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET_KEY", "not-for-children")
    with EmbeddedRedis(tmp_path) as server:
        assert b"not-for-children" not in Path(f"/proc/{server.pid}/environ").read_bytes()


class TestWithoutKernelHelp:
    """The watcher on a pipe, as on systems whose kernel cannot tie a child to its parent."""

    SLEEP = """
import sys
from pathlib import Path
from quickpoll.localrun.child_process import ChildProcess
log = Path(sys.argv[1]) / "log"
child = ChildProcess(["sleep", "60"], log, Path(sys.argv[1]), watch_with_kernel=False)
print(child.pid, flush=True)
sys.stdin.read()
"""

    def test_child_dies_with_the_parent(self, tmp_path: Path) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", self.SLEEP, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            time.sleep(0.3)
            assert exists(child)
            assert len(of_session(child)) == 2
            parent.kill()
        assert until(lambda: not of_session(child), 3)

    def test_watcher_goes_with_the_child(self, tmp_path: Path) -> None:
        child = ChildProcess(["sleep", "60"], tmp_path / "log", tmp_path, watch_with_kernel=False)
        assert until(lambda: len(of_session(child.pid)) == 2, 3)
        child.kill()
        assert until(lambda: not of_session(child.pid), 3)


def test_guardian_of_a_lost_parent_does_not_start_the_command(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    somebody_else = "1"
    ended = subprocess.run(
        [sys.executable, "-I", "-S", child_exec.__file__, somebody_else, "-1", "touch", str(mark)],
        check=False,
        timeout=10,
    )
    assert ended.returncode == child_exec.LOST_PARENT
    assert not mark.exists()


def test_command_that_does_not_exist(tmp_path: Path) -> None:
    child = ChildProcess(["no-such-command-here"], tmp_path / "log", tmp_path)
    assert child.wait(5) not in (0, None)
    assert "FileNotFoundError" in (tmp_path / "log").read_text()


def test_a_long_log_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"x" * (6 * 1024 * 1024))
    ChildProcess(["echo", "hello"], log, tmp_path).wait(5)
    assert log.read_text() == "hello\n"
    assert (tmp_path / "x.log.1").stat().st_size == 6 * 1024 * 1024


def test_free_port_can_be_bound() -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, free_port()))
