"""The folder of an embedded run: one run at a time, and others can find it."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from quickpoll.settings.run_record import AlreadyRunning, RunDirectory, RunRecord

RECORD = RunRecord(
    pid=os.getpid(),
    address="http://127.0.0.1:8001",
    database_url="mongodb://127.0.0.1:1234/quickpoll",
    redis_host="127.0.0.1",
    redis_port=1235,
)


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / ".quickpoll")


def test_folder_and_files_are_private(directory: RunDirectory) -> None:
    directory.path.mkdir(mode=0o755)
    with directory:
        directory.write(RECORD)
        directory.secret()
        assert mode(directory.path) == 0o700
        assert {mode(file) for file in directory.path.iterdir()} == {0o600}


def test_record_is_found_during_the_run_and_gone_after_it(directory: RunDirectory) -> None:
    assert directory.read() is None
    with directory:
        assert directory.read() is None
        directory.write(RECORD)
        assert RunDirectory(directory.path).read() == RECORD
    assert directory.read() is None
    assert not (directory.path / "run.json").exists()


def test_record_is_replaced_as_a_whole(directory: RunDirectory) -> None:
    with directory:
        directory.write(RECORD)
        directory.write(replace(RECORD, redis_port=99))
        assert directory.read() == replace(RECORD, redis_port=99)


def test_second_run_is_refused_and_told_of_the_first(directory: RunDirectory) -> None:
    with directory:
        with (
            pytest.raises(AlreadyRunning, match="already running in"),
            directory_again(directory),
        ):
            pass
        directory.write(RECORD)
        with (
            pytest.raises(
                AlreadyRunning, match=rf"\(process {os.getpid()}, http://127\.0\.0\.1:8001\)"
            ),
            directory_again(directory),
        ):
            pass
        assert directory.read() == RECORD
    with directory:
        assert directory.read() is None


def directory_again(directory: RunDirectory) -> RunDirectory:
    return RunDirectory(directory.path)


KILLED = """
import os, sys
from pathlib import Path
from quickpoll.settings.run_record import RunDirectory, RunRecord
with RunDirectory(Path(sys.argv[1])) as directory:
    directory.write(RunRecord(os.getpid(), "a", "b", "c", 1))
    os.kill(os.getpid(), 9)
"""


def test_record_of_a_killed_run_is_not_believed(directory: RunDirectory) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(directory.path)], check=False)
    record = directory.path / "run.json"
    record.write_text(record.read_text().replace('"pid": ', f'"pid": {os.getpid()}, "_": '))
    assert directory.read() is None
    with directory:
        assert not record.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '"text"'])
def test_damaged_record_is_no_record(directory: RunDirectory, text: str) -> None:
    with directory:
        (directory.path / "run.json").write_text(text)
        assert directory.read() is None


def test_secret_is_made_once_and_long_enough(directory: RunDirectory, tmp_path: Path) -> None:
    with directory:
        secret = directory.secret()
    assert len(secret.encode()) >= 32
    assert RunDirectory(directory.path).secret() == secret
    with RunDirectory(tmp_path / "other") as other:
        assert other.secret() != secret


def test_the_guests_key_is_kept_and_is_another(directory: RunDirectory) -> None:
    with directory:
        key = directory.guest_key()
        assert len(key.encode()) >= 32
        assert key != directory.secret()
    assert RunDirectory(directory.path).guest_key() == key
    assert (directory.path / "guest-key").stat().st_mode & 0o777 == 0o600


def test_the_key_of_logs_is_made_once(directory: RunDirectory) -> None:
    """Another one would sign another history."""
    with directory:
        key = directory.log_key()
    assert len(b64decode(key)) == 32
    assert RunDirectory(directory.path).log_key() == key
    assert (directory.path / "log-key").stat().st_mode & 0o777 == 0o600
