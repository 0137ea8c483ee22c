"""What ``make run`` starts, in a folder of its own, read and used as a person would."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from quickpoll.localrun.child_process import until
from tests.instances import bare_environment, free_port
from tests.processes import children_of, exists, hear_signals


class Launched:
    """One start of the service with embedded stores."""

    def __init__(
        self, folder: Path, port: int | None = None, *, command: list[str] | None = None, **env: str
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.said = ""
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "quickpoll", "--port", str(self.port)],
            cwd=folder,
            env={**bare_environment(), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=hear_signals,
        )

    def read_until(self, words: str) -> str:
        """Read what it says until these words come; all that it has said so far."""
        assert self.process.stdout is not None
        while words not in self.said:
            line = self.process.stdout.readline()
            assert line, f"it ended before it said {words!r}: {self.said}"
            self.said += line
        return self.said

    def up(self) -> Launched:
        """Wait for the welcome, which comes once the service answers."""
        self.read_until("Ctrl-C stops it.")
        return self

    @property
    def token(self) -> str:
        """The token that it printed, on a line of its own."""
        (found,) = re.findall(r"^[\w-]+\.[\w-]+\.[\w-]+$", self.said, re.MULTILINE)
        return str(found)

    @property
    def record(self) -> dict[str, Any]:
        """What it tells others of itself."""
        found: dict[str, Any] = json.loads((self.folder / ".quickpoll" / "run.json").read_text())
        return found

    def family(self) -> list[int]:
        """The service and its stores."""
        pid = self.record["pid"]
        return [pid, *children_of(pid)]

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        """A request under /api/poll, with the printed token or another."""
        head = {"Authorization": f"Bearer {token or self.token}"}
        url = f"{self.url}/api/poll/{path}"
        return httpx.request(method, url, headers=head, timeout=10, **more)

    def command(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """An operator's command in the same folder."""
        return subprocess.run(
            [sys.executable, "-m", "quart", "--app", "quickpoll", *arguments],
            cwd=self.folder,
            env={**bare_environment(), **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def end(self, farewell: signal.Signals, *, group: bool = False) -> int:
        """Send a signal and wait for the end; the exit status."""
        (os.killpg if group else os.kill)(self.process.pid, farewell)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end; the exit status, everything it said in ``said``."""
        rest, _ = self.process.communicate(timeout=30)
        self.said += rest
        return self.process.returncode

    def close(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate(timeout=10)


def gone(pids: list[int]) -> bool:
    """Whether these processes end within seconds."""
    return until(lambda: not any(map(exists, pids)), 5)
