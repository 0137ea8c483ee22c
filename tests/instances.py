"""Instances of the service in processes of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from tests.checkout import root, without_env_file


class Instance:
    """The service in a process of its own, served by Hypercorn as in production."""

    def __init__(self, variables: dict[str, str], port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.variables = variables
        self.code: Path | None = None
        """Where other code of the service is served from; ``None``: this code."""
        self.log: Path | None = None
        """The file that its log is added to; ``None``: that of the tests."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, for tests that end it their own way."""
        assert self._process is not None
        return self._process

    def start(self, *, wait: bool = True) -> Instance:
        """Start it, in a process group of its own, and wait until it is ready."""
        command, folder = self.command()
        with ExitStack() as stack:
            log = None if self.log is None else stack.enter_context(self.log.open("ab"))
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={**bare_environment(), **self.variables},
                start_new_session=True,
                stdout=log,
                stderr=log,
            )
        if wait:
            self.wait_until_ready()
        return self

    def command(self) -> tuple[list[str], Path]:
        """What starts it, and in which folder."""
        serve = ["-m", "hypercorn", "--config", str((self.code or root) / "hypercorn.toml")]
        bind = ["--bind", f"127.0.0.1:{self.port}", "quickpoll.asgi:app"]
        return [sys.executable, *serve, *bind], self.code or without_env_file

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        """Wait until it serves requests."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
            if self.process.poll() is not None:
                raise AssertionError(f"it ended with status {self.process.returncode}")
        raise AssertionError("it did not become ready")

    def stop(self) -> int:
        """End it with SIGTERM; answers its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=15)

    def kill(self) -> None:
        """End it without a warning."""
        self.process.kill()
        self.process.wait(timeout=5)

    def close(self) -> None:
        """Make sure that it is gone."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


def bare_environment() -> dict[str, str]:
    """What a process of the service gets of the tests' own environment: no setting of it."""
    kept = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "COVERAGE_PROCESS_CONFIG", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
