"""The real nginx with config/nginx.conf, in front of instances on this machine."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.checkout import root
from tests.instances import Instance, free_port

program = shutil.which("nginx") or "/usr/sbin/nginx"

needs_nginx = pytest.mark.skipif(
    not os.access(program, os.X_OK) and os.environ.get("CI") != "true", reason="needs nginx"
)
"""Where everything has to be tested, its absence is a failure."""


class Nginx:
    """nginx as an operator runs it: the shipped file, with other addresses and folders."""

    def __init__(self, instances: tuple[Instance, ...], folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "nginx.log"
        self._file = folder / "nginx.conf"
        self._file.write_text(self._configuration(instances, folder))
        self._process: subprocess.Popen[bytes] | None = None

    def edit(self, old: str, new: str) -> None:
        """Change the file, before it is started."""
        text = self._file.read_text()
        assert old in text
        self._file.write_text(text.replace(old, new))

    def start(self) -> Nginx:
        """Start it, and wait until it accepts connections."""
        user = "user root; " if os.getuid() == 0 else ""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [program, "-c", str(self._file), "-g", f"{user}daemon off;"],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 10
        while not _accepts(self.port):
            assert time.monotonic() < deadline, self.log.read_text()
            assert self._process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=10)

    def _configuration(self, instances: tuple[Instance, ...], folder: Path) -> str:
        text = (root / "config" / "nginx.conf").read_text()
        second = re.compile(r" *server quickpoll-2:8001.*\n")
        for number in range(3, len(instances) + 1):
            line = second.search(text)
            assert line is not None
            more = line[0].replace("quickpoll-2", f"quickpoll-{number}")
            text = second.sub(rf"\g<0>{more}", text)
        for number, instance in enumerate(instances, start=1):
            text = text.replace(f"quickpoll-{number}:8001", f"127.0.0.1:{instance.port}")
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.port}")
        text = text.replace("worker_processes auto", "worker_processes 1")
        text = re.sub(r"(?<=\s)/tmp/", f"{folder}/", text)
        return text.replace("/dev/stdout", str(folder / "access.log"))


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
