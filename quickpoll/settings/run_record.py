"""The folder of an embedded run: who runs there, and where its stores answer.

.quickpoll/            mode 700
    lock               held (flock) for as long as a run lasts, however it ends
    run.json           mode 600; what an operator's command needs to reach the run
    jwt-secret         mode 600; made once, kept with the data
    guest-key          the same, for guests' tokens
    log-key            the same, for the logs of verifiable polls
    seeding, seeded    whether the demo polls are being made, or were
    seed.log           what was said while they were made
    mongo/ mongo.log redis.conf redis.log secantusd.toml
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

SECRET_BYTES = 32


@dataclass(frozen=True)
class RunRecord:
    """A run: its process, the service's address, and the addresses of its stores."""

    pid: int
    address: str
    database_url: str
    redis_host: str
    redis_port: int


class AlreadyRunning(RuntimeError):
    """Another run holds the folder; the message is one line for a person."""


class UnusableDirectory(RuntimeError):
    """The folder cannot be made or written; the message is one line for a person."""


class RunDirectory:
    """The folder of a run. As a context manager it holds the folder's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock = -1

    def __enter__(self) -> Self:
        """Make the folder and take its lock.

        Raises :class:`AlreadyRunning` or :class:`UnusableDirectory`.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise UnusableDirectory(f"{self.path} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise AlreadyRunning(self._who_runs()) from None
        self._lock = lock
        # Whoever wrote it is gone, or the lock would not be ours.
        self._record_file.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._record_file.unlink(missing_ok=True)
        os.close(self._lock)

    def write(self, record: RunRecord) -> None:
        """Tell others of this run."""
        _write_private(self._record_file, json.dumps(asdict(record), indent=2) + "\n")

    def read(self) -> RunRecord | None:
        """The run that holds the folder now, ``None`` if there is none."""
        if not self._held():
            return None
        try:
            return RunRecord(**json.loads(self._record_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def secret(self) -> str:
        """The secret that signs this folder's tokens, made on the first call."""
        return self._kept("jwt-secret", _new_secret)

    def guest_key(self) -> str:
        """The key that signs the tokens of this folder's guests, made on the first call."""
        return self._kept("guest-key", _new_secret)

    def log_key(self) -> str:
        """The key that signs the logs of this folder's verifiable polls, made on the first call."""
        return self._kept("log-key", lambda: b64encode(secrets.token_bytes(SECRET_BYTES)).decode())

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        file = self.path / name
        if not file.exists() or not file.stat().st_size:
            _write_private(file, make() + "\n")
        return file.read_text().strip()

    @property
    def _record_file(self) -> Path:
        return self.path / "run.json"

    def _held(self) -> bool:
        """Whether a living process holds the lock: a process id alone may have a new owner."""
        try:
            lock = os.open(self.path / "lock", os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def _who_runs(self) -> str:
        record = self.read()
        who = f" (process {record.pid}, {record.address})" if record else ""
        return f"QuickPoll is already running in {self.path}{who}"


def _new_secret() -> str:
    return secrets.token_hex(SECRET_BYTES)


def _write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, at no moment readable by others.

    It is replaced whole: nobody reads half of it, and nobody who is killed leaves half of it.
    """
    draft = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(text)
    draft.replace(file)
