"""Child processes that live and die with this one."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO

from quickpoll.localrun import child_exec

LOOPBACK = "127.0.0.1"
LOG_BYTES = 5 * 1024 * 1024

_Spawn = Callable[[], "subprocess.Popen[bytes]"]


class _Spawner:
    """One thread that starts every child and lasts as long as the process.

    The kernel ties a child to the *thread* that started it: started from a thread of a pool, it
    would be killed as soon as the pool shrinks.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: queue.SimpleQueue[tuple[_Spawn, Future[subprocess.Popen[bytes]]]]
        self._owner = 0

    def spawn(self, start: _Spawn) -> subprocess.Popen[bytes]:
        answer: Future[subprocess.Popen[bytes]] = Future()
        with self._lock:
            if self._owner != os.getpid():  # the first child, or the first one after a fork
                self._wanted = queue.SimpleQueue()
                threading.Thread(target=self._serve, name="child-spawner", daemon=True).start()
                self._owner = os.getpid()
        self._wanted.put((start, answer))
        return answer.result()

    def _serve(self) -> None:
        while True:
            start, answer = self._wanted.get()
            try:
                answer.set_result(start())
            except Exception as error:
                answer.set_exception(error)


_spawner = _Spawner()


class ChildProcess:
    """A guarded child in a session of its own.

    Own session: Ctrl-C in the terminal, and a signal to our group, reach us alone, so that we
    can finish our work before we end the child. Its environment is the one given, nothing more.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        *,
        watch_with_kernel: bool | None = None,
    ) -> None:
        kernel = child_exec.kernel_can_watch() if watch_with_kernel is None else watch_with_kernel
        watch, self._leash = (-1, -1) if kernel else os.pipe()
        try:
            with _open_log(log) as output:
                self._process = _spawner.spawn(
                    lambda: subprocess.Popen(  # noqa: S603 (our own commands, no shell)
                        [*_guard(watch), *command],
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        cwd=directory,
                        env=dict(plain_environment() if environment is None else environment),
                        pass_fds=() if watch < 0 else (watch,),
                        start_new_session=True,
                    )
                )
        finally:
            if watch >= 0:
                os.close(watch)

    @property
    def pid(self) -> int:
        """The process id of the command itself."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait for its end: the exit status, or ``None`` after so many ``seconds``."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._let_go()
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens if it has ended."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once (SIGKILL) and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def _let_go(self) -> None:
        if self._leash >= 0:
            os.close(self._leash)
            self._leash = -1


def _guard(watch: int) -> list[str]:
    return [sys.executable, "-I", "-S", child_exec.__file__, str(os.getpid()), str(watch)]


def plain_environment() -> dict[str, str]:
    """What a server needs of our environment: no secret of the service is in it."""
    wanted = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
    return {name: os.environ[name] for name in wanted if name in os.environ}


def _open_log(log: Path) -> IO[bytes]:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
    return log.open("ab")


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def until(condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Ask until ``condition`` holds; ``False`` if it did not within so many ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
