"""Embedded stores: real servers that keep what they acknowledged and never outlive us."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pymongo import MongoClient, WriteConcern
from redis.backoff import NoBackoff
from redis.retry import Retry

from quickpoll.localrun import child_exec
from quickpoll.localrun.child_process import LOOPBACK, ChildProcess, free_port, until
from quickpoll.localrun.embedded import (
    EmbeddedMongo,
    EmbeddedRedis,
    EmbeddedStoreFailed,
    EmbeddedStores,
)
from tests.processes import exists, hear_signals, of_session

DURABLE = WriteConcern(w="majority", j=True)


def votes(mongo: EmbeddedMongo) -> MongoClient[dict[str, Any]]:
    return MongoClient(mongo.url("quickpoll"), serverSelectionTimeoutMS=3000)


class ImpatientMongo(EmbeddedMongo):
    retry_seconds = 0.2


class ImpatientRedis(EmbeddedRedis):
    retry_seconds = 0.2


class BrokenRedis(ImpatientRedis):
    def _command(self, port: int) -> list[str]:
        return ["false"]


class UnluckyRedis(EmbeddedRedis):
    """Chooses a taken port first."""

    def __init__(self, directory: Path, taken: int) -> None:
        super().__init__(directory)
        self._ports = iter([taken, free_port()])

    def _choose_port(self) -> int:
        return next(self._ports)


@pytest.fixture
def mongo(tmp_path: Path) -> Iterator[EmbeddedMongo]:
    with EmbeddedMongo(tmp_path) as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path) as server:
        yield server


def test_both_answer_and_stop(tmp_path: Path) -> None:
    stores = EmbeddedStores(tmp_path / "data")
    with stores as addresses:
        with MongoClient[dict[str, Any]](addresses.database_url) as client:
            assert client.get_default_database().name == "quickpoll"
            assert client.admin.command("ping")["ok"] == 1
        with redis.Redis(addresses.redis_host, addresses.redis_port) as client_of_redis:
            assert client_of_redis.ping()
        pids = stores.mongo.pid, stores.redis.pid
        assert all(map(exists, pids))
    assert not any(map(exists, pids))
    assert not stores.mongo.running


def test_data_folder_is_private(mongo: EmbeddedMongo, tmp_path: Path) -> None:
    inner = EmbeddedRedis(tmp_path / "private")
    inner.start()
    inner.stop()
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o700


def test_acknowledged_writes_survive_kill(mongo: EmbeddedMongo) -> None:
    with votes(mongo) as client:
        collection = client.quickpoll.get_collection("votes", write_concern=DURABLE)
        for round_number in range(3):
            collection.insert_many([{"round": round_number, "n": n} for n in range(200)])
            port = mongo.port
            mongo.kill()
            assert mongo.start() == port
            assert collection.count_documents({}) == 200 * (round_number + 1)


def test_data_survives_an_orderly_stop(mongo: EmbeddedMongo) -> None:
    with votes(mongo) as client:
        client.quickpoll.votes.insert_one({"kept": True})
    mongo.stop()
    mongo.start()
    with votes(mongo) as client:
        assert client.quickpoll.votes.count_documents({"kept": True}) == 1


def test_stop_is_quick_with_clients_connected(mongo: EmbeddedMongo) -> None:
    with votes(mongo) as client:
        for _ in range(5):
            for n in range(30):
                client.quickpoll.votes.insert_one({"n": n})
            begun = time.monotonic()
            mongo.stop()
            assert time.monotonic() - begun < 3
            mongo.start()


def test_redis_keeps_nothing(cache: EmbeddedRedis) -> None:
    with redis.Redis(port=cache.port) as client:
        client.set("poll:1:likes", 1)
        port = cache.port
        cache.stop()
        assert cache.start() == port
        assert client.get("poll:1:likes") is None


def test_redis_takes_a_password(tmp_path: Path) -> None:
    password = 'sp ace "quote" \\ ü'
    with EmbeddedRedis(tmp_path, password) as server:
        with redis.Redis(port=server.port, password=password) as client:
            assert client.ping()
        with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        command_line = Path(f"/proc/{server.pid}/cmdline").read_bytes()
        assert b"quote" not in command_line
        assert (tmp_path / "redis.conf").stat().st_mode & 0o777 == 0o600


def test_pause_makes_it_hang_and_resume_goes_on(cache: EmbeddedRedis) -> None:
    with redis.Redis(port=cache.port, socket_timeout=0.3, retry=Retry(NoBackoff(), 0)) as client:
        cache.pause()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        cache.resume()
        assert client.ping()


def test_paused_server_can_be_stopped(cache: EmbeddedRedis) -> None:
    pid = cache.pid
    cache.pause()
    cache.stop()
    assert not exists(pid)


def test_second_start_is_an_error(cache: EmbeddedRedis) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        cache.start()


def test_not_started_has_no_port_and_no_pid(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.port
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.pid
    server.stop()
    server.kill()


def test_stranger_on_the_port_is_not_taken_for_ours(cache: EmbeddedRedis, tmp_path: Path) -> None:
    second = ImpatientRedis(tmp_path / "second")
    with pytest.raises(EmbeddedStoreFailed, match=r"redis does not start; its log is .*redis\.log"):
        second.start(cache.port)
    assert not second.running


def test_another_port_is_tried_when_one_is_taken(cache: EmbeddedRedis, tmp_path: Path) -> None:
    with UnluckyRedis(tmp_path / "second", cache.port) as second:
        assert second.port != cache.port


def test_folder_in_use_is_refused(mongo: EmbeddedMongo, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedStoreFailed, match="mongo does not start"):
        ImpatientMongo(tmp_path).start()


def test_failed_second_store_leaves_no_first(tmp_path: Path) -> None:
    stores = EmbeddedStores(tmp_path)
    stores.redis = BrokenRedis(tmp_path)
    with pytest.raises(EmbeddedStoreFailed, match="redis does not start"):
        stores.start()
    assert not stores.mongo.running


@pytest.mark.parametrize("store", [EmbeddedMongo, EmbeddedRedis])
def test_missing_extra_is_named(
    store: type[EmbeddedMongo | EmbeddedRedis], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EmbeddedStoreFailed, match=r"pip install 'quickpoll\[embedded\]'"):
        store(tmp_path).start()


def test_started_in_a_thread_that_ended(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        time.sleep(0.2)
        assert server.running
    finally:
        server.stop()


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


def test_ctrl_c_of_the_terminal_does_not_reach_them(cache: EmbeddedRedis) -> None:
    assert os.getsid(cache.pid) == cache.pid
    assert os.getpgid(cache.pid) != os.getpgid(os.getpid())


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
