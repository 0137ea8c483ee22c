"""Load from wrk: many connections, each request with a token of its own."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

_script = Path(__file__).with_name("load.lua")

patience = 10.0
"""Seconds that the last answers may take. wrk ends by itself after them, whatever happens."""


class NoLoadGeneratorError(RuntimeError):
    """wrk is not installed."""


@dataclass(frozen=True)
class Load:
    """What was sent and what came back. Times in seconds, latencies in milliseconds."""

    requests: int
    failed: int
    seconds: float
    p50: float
    p99: float
    longest: float
    late: int
    drained: bool

    @property
    def succeeded(self) -> int:
        """Requests answered with 2xx."""
        return self.requests - self.failed

    @property
    def rate(self) -> float:
        """Requests answered with 2xx, per second."""
        return self.succeeded / self.seconds


@dataclass(frozen=True)
class Plan:
    """Which requests to send: tokens and paths from files, round and round.

    ``rate`` in requests per second, 0 for as fast as answers come. ``once``: no token twice.
    """

    method: str
    tokens: Path
    paths: Path
    connections: int
    seconds: float
    rate: float = 0.0
    once: bool = False


def run_wrk(address: str, plan: Plan) -> Load:
    """Run one load until every request has its answer, at most ``patience`` past its time."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise NoLoadGeneratorError("the benchmark needs wrk (Debian: apt-get install wrk)")
    command = [
        *(wrk, "--threads", "1", "--connections", str(plan.connections)),
        *("--duration", f"{int(plan.seconds + patience)}s", "--timeout", "10s"),
        *("--script", str(_script), address, "--"),
        *(str(plan.tokens), str(plan.paths), plan.method, str(plan.seconds), str(plan.rate)),
        *(str(plan.connections), "1" if plan.once else "0"),
    ]
    output = _output(command)
    found = [line for line in output.splitlines() if line.startswith("RESULT ")]
    if not found:
        raise RuntimeError(f"wrk failed: {output}")
    return _load(json.loads(found[0].removeprefix("RESULT ")))


def _output(command: list[str]) -> str:
    """What wrk prints; it is interrupted as soon as it has nothing left to wait for."""
    lines = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.startswith("DRAINED"):
                process.send_signal(signal.SIGINT)
    return "".join(lines)


def _load(result: dict[str, float]) -> Load:
    return Load(
        requests=int(result["requests"]),
        failed=int(result["bad_status"]),
        seconds=result["seconds"],
        p50=result["p50"] / 1000,
        p99=result["p99"] / 1000,
        longest=result["max"] / 1000,
        late=int(result["late"]),
        drained=bool(result["drained"]) and not result["socket_errors"],
    )
