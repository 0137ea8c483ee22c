"""The watchers' process, as a run uses it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from bench.machine import cpu_seconds
from bench.services import PollHandle
from bench.stores import wait_until
from quickpoll.localrun.child_process import LOOPBACK, ChildProcess, free_port

_root = Path(__file__).resolve().parent.parent


class Listening(Protocol):
    """Whatever a crowd can connect to."""

    @property
    def port(self) -> int:
        """Where it listens, on this machine."""


class Emitter:
    """``bench.emitter`` in a process of its own, on one core."""

    def __init__(self, options: Sequence[str], core: int, log: Path) -> None:
        self.port = free_port()
        command = ["taskset", "--cpu-list", str(core), sys.executable, "-m", "bench.emitter"]
        self._child = ChildProcess([*command, "--port", str(self.port), *options], log, _root)

    def cpu(self) -> float:
        """Seconds of processor time it has used."""
        return cpu_seconds(self._child.pid)

    def __enter__(self) -> Self:
        try:
            wait_until(self._listens, 20, "the emitter")
        except BaseException:
            self._child.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()

    def _listens(self) -> bool:
        try:
            socket.create_connection((LOOPBACK, self.port), 1).close()
        except OSError:
            return False
        return True


class Crowd:
    """So many watchers of some polls, in a process of their own."""

    def __init__(
        self,
        service: Listening,
        polls: Sequence[PollHandle],
        tokens: Path,
        clients: int,
        within: float = 2.0,
    ) -> None:
        paths = tokens.with_suffix(".polls")
        paths.write_text("".join(f"{poll.vote_paths()[0]}\n" for poll in polls))
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "bench.watchers", "--port", str(service.port)),
                *("--clients", str(clients), "--tokens", str(tokens), "--polls", str(paths)),
                *("--within", str(within)),
            ],
            cwd=_root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def connected(self) -> dict[str, Any]:
        """Wait until all have connected and subscribed; how many did, and how long it took."""
        return self._line()

    def votes(self, rate: float, seconds: float) -> dict[str, Any]:
        """Cast votes at that rate and measure until they are on every screen."""
        self._order(f"votes {rate} {seconds}")
        return self._line()

    def start_counting(self) -> None:
        """Count what arrives from now on."""
        self._order("count")

    def counted(self) -> dict[str, Any]:
        """What arrived since :meth:`start_counting`."""
        self._order("enough")
        return self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _order(self, words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the watchers' process has ended")
        return dict(json.loads(line))
